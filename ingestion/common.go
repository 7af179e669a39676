package ingestion

// TypeValue is a pair of texts, which the service uses for ids of many kinds.
type TypeValue struct {
	Object

	// Type says what Value is.
	Type string `json:"type"`
	// Value is the value.
	Value string `json:"value"`
}

// AudienceMember is a tenant, subscription or person that may see something.
type AudienceMember struct {
	Object

	// ID is the tenant's or subscription's GUID, or an address.
	ID string `json:"ID"`
	// Description is a note for the publisher.
	Description string `json:"description,omitzero"`
}

// FileState is where an uploaded file stands. More states may appear.
type FileState string

// States of a file, in their order.
const (
	// FilePendingUpload: the service waits for the file and to be told of it.
	FilePendingUpload FileState = "PendingUpload"
	// FileUploaded: the service has been told that the file is there. Images of a
	// draft stay in this state.
	FileUploaded FileState = "Uploaded"
	// FileInProcessing: the service looks at the file.
	FileInProcessing FileState = "InProcessing"
	// FileProcessed: the file can be referred to.
	FileProcessed FileState = "Processed"
	// FileProcessFailed: the file is not acceptable.
	FileProcessFailed FileState = "ProcessFailed"
)
