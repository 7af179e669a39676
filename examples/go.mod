module github.com/partnercenter-go/partnercenter/examples

go 1.26

require github.com/partnercenter-go/partnercenter v0.0.0

require (
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/schollz/progressbar/v3 v3.19.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
)

replace github.com/partnercenter-go/partnercenter => ../
