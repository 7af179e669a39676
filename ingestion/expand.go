package ingestion

import (
	"slices"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/transport"
)

// Expand names something that the service leaves out of its answers unless asked.
type Expand string

// What can be asked for.
const (
	// ExpandFileSASURI adds the upload links of images, videos and assets.
	ExpandFileSASURI Expand = "FileSasUri"
	// ExpandPublishOption adds the publish option of submissions.
	ExpandPublishOption Expand = "PublishOption"
	// ExpandMarketStates adds the markets of feature availabilities. What is not
	// expanded is not updated either.
	ExpandMarketStates Expand = "MarketStates"
	// ExpandTrial adds their trial.
	ExpandTrial Expand = "Trial"
	// ExpandPriceSchedules adds their prices.
	ExpandPriceSchedules Expand = "PriceSchedules"
	// ExpandNothing is for feature availabilities, which otherwise come whole.
	ExpandNothing Expand = ""
)

// expandQuery writes the option once, with its names in the order given.
func expandQuery(expand []Expand) string {
	names := make([]string, 0, len(expand))
	for _, x := range expand {
		if x != ExpandNothing && !slices.Contains(names, string(x)) {
			names = append(names, string(x))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return transport.Query("$expand", strings.Join(names, ","))
}
