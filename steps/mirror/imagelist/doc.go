// Package imagelist reads images.yaml, which says what is mirrored, and keeps
// images.lock.yaml, which says what of it was approved. It promises that a [List]
// or a [Lock] it returns is complete and valid, and that an invalid file is
// answered with everything that is wrong with it at once, each with file, line,
// column, field and what is allowed instead.
//
// A list:
//
//	apiVersion: pave/v1
//	kind: ImageList
//	defaults:
//	  target: harbor.example.internal/library
//	  platforms: [linux/amd64, linux/arm64] # without it all platforms
//	  limits: {critical: 3}   # as in pave scan; without it three critical findings
//	  trustedRoot: trusted_root.json # Sigstore's, for the entries with a signer
//	images:
//	  - name: alpine          # library/alpine at the target
//	    source: docker.io/library/alpine
//	    tags: ["3.21", "3.22"]
//	  - name: golang
//	    source: docker.io/library/golang
//	    versions: ">=1.22.0 <1.24.0"
//	    variant: alpine       # of the tags 1.22.12-alpine and so on
//	    newest: 2             # the two highest of them
//	  - name: tool
//	    source: ghcr.io/example/tool
//	    digest: sha256:…      # one image by content
//	    as: 1.4.0             # its tag at the target
//	    publicKey: keys/tool.pub # the publisher's; relative to this file
//	  - name: nginx
//	    source: cgr.dev/chainguard/nginx
//	    tags: [latest]
//	    signer:               # instead of a key: an identity, with defaults.trustedRoot
//	      issuer: https://token.actions.githubusercontent.com
//	      subject: https://github.com/chainguard-images/images/.github/workflows/release.yaml@refs/heads/main
//	  - name: trivy-db
//	    source: ghcr.io/aquasecurity/trivy-db
//	    tags: ["2"]
//	    kind: artefact        # where it cannot be told: neither scanned nor run
//	    note: the vulnerability database itself
package imagelist
