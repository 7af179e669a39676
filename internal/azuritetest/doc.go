// Package azuritetest runs Azurite, Microsoft's own emulator of Azure Storage, for
// tests that want links with real signatures and a store that checks them:
// https://learn.microsoft.com/azure/storage/common/storage-use-azurite
package azuritetest
