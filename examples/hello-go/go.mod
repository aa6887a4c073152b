module git.example.internal/web/hello-go

go 1.26.0

require (
	golang.org/x/net v0.31.0
	golang.org/x/text v0.40.0
)
