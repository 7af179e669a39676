// Package ingestion is a fake of the submission API of Partner Center, also called
// ingestion API: products, plans, listings and their media, properties,
// availabilities, packages and their configurations, leads, resellers, and the
// submissions that publish them.
//
// It keeps what it is sent, also what it does not know, and shares no code with
// the client, so that each is a check on the other.
//
// It rests on Microsoft's OpenAPI document of the API, on recorded traffic of the
// Azure CLI's extension partnercenter, and on what open-source clients send and
// expect. What those leave open and the fake had to decide is marked in the
// comments as the fake's choice.
package ingestion
