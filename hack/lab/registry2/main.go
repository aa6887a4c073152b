// Command registry2 is Docker's registry 2.8, as Debian's docker-registry and
// many products have it, with storage in a folder and without what a test cannot
// use: other storage, Let's Encrypt, metrics.
//
//	registry2 CONFIG
//
// CONFIG is the registry's own configuration file. http.addr may have port 0;
// the address that it listens on is the first line of standard output.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/docker/distribution/configuration"
	_ "github.com/docker/distribution/registry/auth/htpasswd"
	_ "github.com/docker/distribution/registry/auth/token"
	"github.com/docker/distribution/registry/handlers"
	_ "github.com/docker/distribution/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "registry2:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("give the configuration file")
	}
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	config, err := configuration.Parse(f)
	if err != nil {
		return err
	}
	logrus.SetLevel(logrus.PanicLevel) // it logs every request
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.HTTP.Addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handlers.NewApp(ctx, config), ReadHeaderTimeout: time.Minute}
	fmt.Println(listener.Addr())
	ended := make(chan error, 1)
	go func() {
		if config.HTTP.TLS.Certificate == "" {
			ended <- server.Serve(listener)
			return
		}
		ended <- server.ServeTLS(listener, config.HTTP.TLS.Certificate, config.HTTP.TLS.Key)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}
