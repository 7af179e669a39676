package ingestion

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// maxPage is the most that a page holds.
const maxPage = 100

// token is what $skipToken holds. Its outside is that of Cosmos DB as recorded, its
// inside the fake's choice: where the last page ended, how many there were, and the
// filter, since the link does not show it.
type token struct {
	After  int64  `json:"a"`
	Pages  int    `json:"p"`
	Filter string `json:"f,omitempty"`
	Dead   bool   `json:"d,omitempty"`
}

const (
	tokenSource = "DocDB"
	tokenPrefix = "+RID:~"
)

type tokenID struct {
	Token string `json:"token"`
	Range struct {
		Min string `json:"min"`
		Max string `json:"max"`
	} `json:"range"`
}

type tokenBox struct {
	LastID string `json:"LastId"`
	Source string `json:"Source"`
}

func (t token) String() string {
	inside, err := json.Marshal(t)
	if err != nil {
		panic(err) // plain values only: cannot happen
	}
	id := tokenID{Token: tokenPrefix + base64.StdEncoding.EncodeToString(inside)}
	id.Range.Min, id.Range.Max = fmt.Sprintf("%014X", t.After), "FF"
	list, err := json.Marshal([]tokenID{id})
	if err != nil {
		panic(err)
	}
	box, err := json.Marshal(tokenBox{string(list), tokenSource})
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(box)
}

// token reads $skipToken; nil stands for the first page, for which it is missing or
// empty.
func (x *exchange) token() (*token, *reply) {
	text := x.query("$skipToken")
	if text == "" {
		return nil, nil
	}
	t, ok := parseToken(strings.ReplaceAll(text, " ", "+")) // links hold + as it is
	switch {
	case !ok:
		r := x.invalid(faults{"$skipToken": {"The continuation token is invalid."}})
		return nil, &r
	case t.Dead:
		r := x.missing()
		return nil, &r
	}
	return t, nil
}

func parseToken(text string) (*token, bool) {
	box, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	var outer tokenBox
	var list []tokenID
	if json.Unmarshal(box, &outer) != nil || outer.Source != tokenSource || json.Unmarshal([]byte(outer.LastID), &list) != nil || len(list) != 1 {
		return nil, false
	}
	inside, prefixed := strings.CutPrefix(list[0].Token, tokenPrefix)
	raw, err := base64.StdEncoding.DecodeString(inside)
	t := new(token)
	if !prefixed || err != nil || json.Unmarshal(raw, t) != nil || t.Pages < 0 {
		return nil, false
	}
	return t, true
}

// page answers with one page of n items in ascending order of their places; at
// returns the place of an item, the item, and whether it is part of the listing.
// The link to the next page comes first in the answer and is relative to the root
// of the host, with a bare dollar sign.
func (x *exchange) page(sizes []int, from *token, filter string, n int, at func(int) (int64, object, bool)) reply {
	if from == nil {
		from = new(token)
	}
	size := maxPage
	if len(sizes) > 0 {
		size = sizes[from.Pages%len(sizes)]
	}
	next := token{After: from.After, Pages: from.Pages + 1, Filter: filter}
	var list []object
	more := false
	for i := firstAfter(n, from.After, at); i < n; i++ {
		place, o, in := at(i)
		if !in {
			continue
		}
		if len(list) == size {
			more = true
			break
		}
		list = append(list, o)
		next.After = place
	}
	last := from.Pages > 0 && from.After == next.After
	switch {
	case more:
	case x.settings.DeadLastLink:
		next.Dead, more = true, true
	case x.settings.EmptyLastPage && !last:
		more = true
	}
	out := []byte{'{'}
	if more {
		link := strings.TrimLeft(x.r.URL.EscapedPath(), "/") + "?$skipToken=" + next.String()
		out = append(append(append(out, `"nextLink":`...), encode(link)...), ',')
	}
	out = append(append(append(out, `"value":`...), array(list)...), '}')
	return reply{status: http.StatusOK, body: out}
}

// firstAfter searches for the first item behind a place.
func firstAfter(n int, place int64, at func(int) (int64, object, bool)) int {
	low, high := 0, n
	for low < high {
		mid := (low + high) / 2
		if p, _, _ := at(mid); p > place {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}
