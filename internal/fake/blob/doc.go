// Package blob is a fake of the part of Azure Blob Storage that exports are
// downloaded from: pre-signed links, ranged reads under If-Match, entity tags,
// checksums and XML errors.
//
// It rests on the Azure Storage REST reference: "Get Blob", "Get Blob
// Properties", "Specifying the range header for Blob service operations",
// "Specifying conditional headers", "Create a service SAS" and "SAS error codes".
package blob
