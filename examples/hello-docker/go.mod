module git.example.internal/web/hello-docker

go 1.26.0
