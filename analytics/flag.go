package analytics

import "strings"

// Flag is a cell that says yes or no. Datasets write that in three ways: 1 and 0,
// Yes and No, True and False. Cells may also be empty, NULL, or masked for a
// protected customer, so the text is kept as it is and no cell is refused.
type Flag string

// True reports whether the cell says yes. It is false for a cell that says no, and
// for one that says nothing: use [Flag.Bool] to tell these apart.
func (f Flag) True() bool {
	value, _ := f.Bool()
	return value
}

// Bool returns what the cell says, and whether it says anything.
func (f Flag) Bool() (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(string(f))) {
	case "1", "yes", "true":
		return true, true
	case "0", "no", "false":
		return false, true
	}
	return false, false
}
