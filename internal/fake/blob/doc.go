// Package blob is a fake of the part of Azure Blob Storage that exports are
// downloaded from and packages and pictures are uploaded to: pre-signed links,
// ranged reads under If-Match, blobs written whole or in blocks, entity tags,
// checksums and XML errors.
//
// It rests on the Azure Storage REST reference: "Get Blob", "Get Blob
// Properties", "Put Blob", "Put Block", "Put Block List", "Get Block List",
// "Specifying the range header for Blob service operations", "Specifying
// conditional headers", "Create a service SAS" and "SAS error codes".
package blob
