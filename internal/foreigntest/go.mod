module github.com/partnercenter-go/partnercenter/internal/foreigntest

go 1.26.0
