package analytics

import (
	"net/http"
	"strings"
)

func (s *Server) getDatasets(x *exchange) {
	name := strings.TrimSpace(x.query("datasetName"))
	items := []item{}
	for _, d := range s.datasets {
		if d.program != x.program || name != "" && !strings.EqualFold(d.name, name) {
			continue
		}
		it := item{
			"datasetName": d.name, "selectableColumns": names(d.columns), "availableMetrics": names(d.metrics),
			"availableDateRanges": x.settings.dateRanges(d), "minimumRecurrenceInterval": d.interval,
		}
		if x.old {
			delete(it, "minimumRecurrenceInterval")
		}
		items = append(items, it)
	}
	if len(items) == 0 {
		x.refuse(http.StatusNotFound, textNoItem)
		return
	}
	x.list(items, "Dataset fetched successfully")
}
