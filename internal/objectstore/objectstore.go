// Package objectstore puts files into a bucket of an S3-compatible server. It
// promises that what it says it put there is there, whole.
package objectstore

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/pave-platform/pave/internal/fault"
	"github.com/pave-platform/pave/internal/registry"
	"github.com/pave-platform/pave/internal/secret"
)

// Options say which bucket of which server.
type Options struct {
	Endpoint  string // https://host[:port]; http on loopback only
	Region    string // default: us-east-1, which most servers that are not Amazon's take
	Bucket    string
	Prefix    string // of the keys, as in etcd/; empty: none
	AccessKey secret.Source
	SecretKey secret.Source
	CAFile    string // PEM, on top of the system's
}

// IsZero tells whether no bucket is named.
func (o Options) IsZero() bool { return o.Bucket == "" }

// Store is a part of a bucket.
type Store struct {
	client         *s3.Client
	bucket, prefix string
	where          string // for errors
}

// MaxBytes is the largest file that one request may carry.
const MaxBytes = 5 << 30

// New checks o. It does not talk to the server.
func New(o Options) (*Store, error) {
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return nil, fault.Inputf("S3 endpoint %q is not a URL of a server", o.Endpoint).Fix("give it as https://s3.example.com")
	case u.User != nil:
		return nil, fault.Inputf("the S3 endpoint holds credentials").Fix("give them by file or variable")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fault.Inputf("S3 endpoint %s: plain http is for loopback only", o.Endpoint).Fix("give an https endpoint, and its CA with --ca-file")
	}
	access, err := o.AccessKey.Read()
	if err != nil {
		return nil, err
	}
	key, err := o.SecretKey.Read()
	if err != nil {
		return nil, err
	}
	if access == nil || key == nil {
		return nil, fault.Inputf("the S3 bucket %s needs an access key and a secret key", o.Bucket).Fix("name the files or variables that hold them")
	}
	trusted, err := registry.TLSConfig(o.CAFile)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.ResponseHeaderTimeout = trusted, time.Minute
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	return &Store{
		bucket: o.Bucket, prefix: o.Prefix, where: u.Host,
		client: s3.New(s3.Options{
			BaseEndpoint: aws.String(strings.TrimSuffix(o.Endpoint, "/")), UsePathStyle: true, Region: o.Region,
			Credentials: credentials.NewStaticCredentialsProvider(string(access), string(key), ""),
			HTTPClient:  &http.Client{Transport: transport},
			// Checksums in trailers are Amazon's; others refuse them.
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		}),
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Put puts the file at path under name and gives its address, as
// s3://bucket/key. The digest goes with it as metadata.
func (s *Store) Put(ctx context.Context, name, path, sha256 string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fault.Failedf("upload: %w", err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return "", fault.Failedf("upload: %w", err)
	}
	if stat.Size() > MaxBytes {
		return "", fault.Failedf("upload: %s has %d bytes, more than the %d of one S3 request", path, stat.Size(), MaxBytes).Fix("take it to a folder with --output-dir")
	}
	key := s.prefix + name
	if _, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: f, ContentLength: aws.Int64(stat.Size()), Metadata: map[string]string{"sha256": sha256},
	}); err != nil {
		return "", s.explain("put "+key, err)
	}
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return "", s.explain("look at "+key, err)
	}
	if got := aws.ToInt64(head.ContentLength); got != stat.Size() {
		return "", fault.Failedf("S3 %s: %s has %d bytes there and %d here", s.where, key, got, stat.Size()).Fix("run this again")
	}
	return "s3://" + s.bucket + "/" + key, nil
}

// List gives the names of all that is there.
func (s *Store) List(ctx context.Context) ([]string, error) {
	var names []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.explain("list "+s.bucket, err)
		}
		for _, o := range page.Contents {
			names = append(names, strings.TrimPrefix(aws.ToString(o.Key), s.prefix))
		}
	}
	return names, nil
}

// Delete removes what is under name.
func (s *Store) Delete(ctx context.Context, name string) error {
	key := s.prefix + name
	if _, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key}); err != nil {
		return s.explain("remove "+key, err)
	}
	return nil
}

func (s *Store) explain(what string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fault.Failedf("S3 %s: %s: %w", s.where, what, err)
	}
	e := fault.Failedf("S3 %s: %s: %s: %s", s.where, what, api.ErrorCode(), api.ErrorMessage())
	switch api.ErrorCode() {
	case "NoSuchBucket":
		return e.Fix("create the bucket %s", s.bucket)
	case "AccessDenied", "Forbidden", "SignatureDoesNotMatch", "InvalidAccessKeyId":
		return e.Fix("check the access key, the secret key and what they may do in bucket %s", s.bucket)
	}
	return e
}
