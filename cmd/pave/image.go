package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pave-platform/pave/internal/cli"
	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/steps/image"
)

func imageCommand(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{Use: "image", Short: "Build container images and carry them to and from registries"}
	cmd.AddCommand(
		imageBuildCommand(a),
		imageNormalizeCommand(a),
		imagePublishCommand(a),
		imageExportCommand(a),
		imageInspectCommand(a),
	)
	return cmd
}

func imageBuildCommand(a *cli.App) *cobra.Command {
	o := image.BuildOptions{Log: a.Log}
	var labels labelFlags
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Compile a Go program into a minimal image, the same digest for the same source",
		Long: `Compile a Go program into a minimal image, the same digest for the same source.

Runs the local go command. The image holds the binary, root certificates, time
zones and an unprivileged user, nothing else; it is written as an OCI layout in
one tar file.`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := cli.Required(cmd, "output"); err != nil {
				return err
			}
			if o.Labels, err = labels.read(); err != nil {
				return err
			}
			return a.Finish(image.Build(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Source, "source", ".", "folder of the Go module")
	f.StringVar(&o.Package, "package", "", "main package, as in ./cmd/app (default: the only one at the top or below cmd)")
	f.StringVar(&o.Output, "output", "", "tarball to write")
	f.StringVar(&o.Platform, "platform", "", "platform to build for, as in linux/amd64 (default: linux on this machine's architecture)")
	f.IntVar(&o.Port, "port", 0, "TCP port that the program listens on")
	f.StringArrayVar(&o.Env, "env", nil, "NAME=value for the compiler, as in GOEXPERIMENT=jsonv2; can be repeated")
	f.StringVar(&o.CAFile, "ca-file", "", "PEM file with certificates that the image trusts besides the public ones")
	labels.add(f)
	return cmd
}

func imageNormalizeCommand(a *cli.App) *cobra.Command {
	o := image.NormalizeOptions{Log: a.Log}
	var labels labelFlags
	cmd := &cobra.Command{
		Use:   "normalize",
		Short: "Make an image that BuildKit built reproducible: every time in it becomes the epoch",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := cli.Required(cmd, "tarball", "output"); err != nil {
				return err
			}
			if o.Labels, err = labels.read(); err != nil {
				return err
			}
			return a.Finish(image.Normalize(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Tarball, "tarball", "", "OCI layout to read: a tar file or a folder")
	f.StringVar(&o.Output, "output", "", "tarball to write")
	labels.add(f)
	return cmd
}

func imagePublishCommand(a *cli.App) *cobra.Command {
	o := image.PublishOptions{Log: a.Log}
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Push an image under a tag and say its digest; nothing is sent if it is there",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "tarball", "ref"); err != nil {
				return err
			}
			return a.Finish(image.Publish(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Tarball, "tarball", "", "OCI layout to push: a tar file or a folder")
	f.StringVar(&o.Ref, "ref", "", "registry/project/app:tag")
	cli.RegistryFlags(f, &o.Registry)
	return cmd
}

func imageExportCommand(a *cli.App) *cobra.Command {
	var o image.ExportOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Copy an image and all that refers to it into a folder that other tools can check",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "ref", "output"); err != nil {
				return err
			}
			return a.Finish(image.Export(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Ref, "ref", "", "registry/project/app:tag or registry/project/app@sha256:…")
	f.StringVar(&o.Output, "output", "", "folder to write: an OCI image layout; an earlier export there is replaced")
	cli.RegistryFlags(f, &o.Registry)
	return cmd
}

func imageInspectCommand(a *cli.App) *cobra.Command {
	var tarball string
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Verify an image in a tarball and say what it is",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Required(cmd, "tarball"); err != nil {
				return err
			}
			return a.Finish(image.Inspect(cmd.Context(), tarball))
		},
	}
	cmd.Flags().StringVar(&tarball, "tarball", "", "OCI layout to read: a tar file or a folder")
	return cmd
}

// labelFlags are the flags of the commands that write labels.
type labelFlags struct {
	labels image.Labels
	more   []string
}

func (l *labelFlags) add(f *pflag.FlagSet) {
	f.StringVar(&l.labels.Title, "title", "", "label org.opencontainers.image.title")
	f.StringVar(&l.labels.Revision, "revision", "", "label org.opencontainers.image.revision: the commit")
	f.StringVar(&l.labels.Source, "url", "", "label org.opencontainers.image.source: the repository's URL")
	f.StringVar(&l.labels.Version, "version", "", "label org.opencontainers.image.version")
	f.StringArrayVar(&l.more, "label", nil, "NAME=value of another label; can be repeated")
}

func (l *labelFlags) read() (image.Labels, error) {
	l.labels.More = map[string]string{}
	for _, pair := range l.more {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return image.Labels{}, fault.Inputf("label %q", pair).Fix("write it as --label name=value")
		}
		l.labels.More[name] = value
	}
	return l.labels, nil
}
