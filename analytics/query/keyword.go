package query

import "strings"

// keyword is a word of the grammar. All of them are reserved: no column of the
// service has such a name.
type keyword uint8

const (
	noKeyword keyword = iota
	kwSelect
	kwDistinct
	kwFrom
	kwWhere
	kwAnd
	kwNot
	kwLike
	kwIn
	kwOrder
	kwBy
	kwAsc
	kwDesc
	kwLimit
	kwTimespan
)

func (k keyword) String() string {
	switch k {
	case kwSelect:
		return "SELECT"
	case kwDistinct:
		return "DISTINCT"
	case kwFrom:
		return "FROM"
	case kwWhere:
		return "WHERE"
	case kwAnd:
		return "AND"
	case kwNot:
		return "NOT"
	case kwLike:
		return "LIKE"
	case kwIn:
		return "IN"
	case kwOrder:
		return "ORDER"
	case kwBy:
		return "BY"
	case kwAsc:
		return "ASC"
	case kwDesc:
		return "DESC"
	case kwLimit:
		return "LIMIT"
	case kwTimespan:
		return "TIMESPAN"
	default:
		return ""
	}
}

// keywordOf returns the keyword that s is, in any case.
func keywordOf(s string) keyword {
	var candidates [2]keyword
	switch len(s) {
	case 2:
		candidates = [2]keyword{kwIn, kwBy}
	case 3:
		if s[1]|0x20 == 'o' {
			return match(s, kwNot)
		}
		candidates = [2]keyword{kwAnd, kwAsc}
	case 4:
		if s[0]|0x20 == 'd' {
			return match(s, kwDesc)
		}
		candidates = [2]keyword{kwFrom, kwLike}
	case 5:
		if s[0]|0x20 == 'l' {
			return match(s, kwLimit)
		}
		candidates = [2]keyword{kwWhere, kwOrder}
	case 6:
		return match(s, kwSelect)
	case 8:
		candidates = [2]keyword{kwDistinct, kwTimespan}
	default:
		return noKeyword
	}
	if k := match(s, candidates[0]); k != noKeyword {
		return k
	}
	return match(s, candidates[1])
}

func match(s string, k keyword) keyword {
	if strings.EqualFold(s, k.String()) {
		return k
	}
	return noKeyword
}

// clause reports the keywords that begin a clause behind FROM, by their place.
func (k keyword) clause() int {
	switch k {
	case kwWhere:
		return 1
	case kwOrder:
		return 2
	case kwLimit:
		return 3
	case kwTimespan:
		return 4
	default:
		return 0
	}
}
