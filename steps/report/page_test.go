package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/pave-platform/pave/steps/report"
)

func pageOf(t *testing.T, edits map[string]func(string) string) (string, *html.Node) {
	t.Helper()
	_, out := build(t, results(t, edits))
	text, err := os.ReadFile(filepath.Join(out, report.PageFile))
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text), root
}

func elements(root *html.Node, tag string) []*html.Node {
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			out = append(out, n)
		}
	}
	return out
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// hostile breaks out of elements, attributes, scripts and URLs where it is not
// escaped.
const hostile = `\"'><script>alert(1)</script><img src=x onerror=alert(1)>javascript:alert(1)</pre>`

func TestHostileInputIsText(t *testing.T) {
	const shown = `"'><script>alert(1)</script><img src=x onerror=alert(1)>javascript:alert(1)</pre>`
	inYAML := strings.ReplaceAll(shown, "'", "''")
	text, root := pageOf(t, map[string]func(string) string{
		"gate.json": func(s string) string {
			for _, field := range []string{"id", "reason", "expires", "severity", "package", "version", "fixedVersion", "title", "name", "source", "format"} {
				old := regexp.MustCompile(`"` + field + `": "[^"]*"`).FindString(s)
				s = strings.Replace(s, old, `"`+field+`": "`+hostile+`"`, 1)
			}
			return s
		},
		"image.json":       replace("hello-go", hostile),
		"publish.json":     replace("demo/hello-go", hostile),
		"verify.json":      replace(`"spdx"`, `"`+hostile+`"`),
		"provenance.json":  replace("https://pave-platform.github.io/pave", hostile),
		"chart.json":       replace("platform-app", hostile),
		"deploy.json":      replace("staging", hostile),
		"application.yaml": replace("hello-go", shown),
		"manifests.yaml":   replace("name: hello-go", "name: '"+inYAML+"'"),
		"sbom.spdx.json":   replace("BSD-3-Clause", hostile),
	})
	if n := len(elements(root, "script")); n != 1 {
		t.Errorf("%d scripts, want our own only", n)
	}
	if n := len(elements(root, "img")); n != 0 {
		t.Errorf("%d images got in", n)
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.Contains(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("<%s %s=%q> got in", n.Data, a.Key, a.Val)
			}
		}
	}
	if !strings.Contains(content(root), shown) {
		t.Error("the hostile text is not shown as text")
	}
	if strings.Contains(text, "<script>alert") {
		t.Error("the hostile text is not escaped")
	}
}

func TestThePolicyAllowsOurOwnStyleAndScriptOnly(t *testing.T) {
	_, root := pageOf(t, nil)
	var policy string
	for _, m := range elements(root, "meta") {
		if attribute(m, "http-equiv") == "Content-Security-Policy" {
			policy = attribute(m, "content")
		}
	}
	hash := func(tag string) string {
		sum := sha256.Sum256([]byte(content(elements(root, tag)[0])))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", hash("style"), hash("script"))
	if policy != want {
		t.Errorf("got  %s\nwant %s", policy, want)
	}
}

func TestThePageStandsAlone(t *testing.T) {
	_, root := pageOf(t, nil)
	for _, tag := range []string{"link", "img", "iframe", "object", "embed", "base"} {
		if n := len(elements(root, tag)); n != 0 {
			t.Errorf("%d <%s>: the page fetches something", n, tag)
		}
	}
	for n := range root.Descendants() {
		for _, key := range []string{"src", "srcset", "style", "background"} {
			if v := attribute(n, key); v != "" {
				t.Errorf("<%s %s=%q>: the policy refuses it", n.Data, key, v)
			}
		}
	}
	css := content(elements(root, "style")[0])
	if m := regexp.MustCompile(`@import|url\(|gradient`).FindString(css); m != "" {
		t.Errorf("the style has %s", m)
	}
}

func TestLinksLeadToFilesThatAreThere(t *testing.T) {
	_, out := build(t, results(t, nil))
	text, err := os.ReadFile(filepath.Join(out, report.PageFile))
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	advisories, files := 0, 0
	for _, a := range elements(root, "a") {
		href := attribute(a, "href")
		if strings.HasPrefix(href, "https://nvd.nist.gov/vuln/detail/CVE-") {
			advisories++
			continue
		}
		files++
		if _, err := os.Stat(filepath.Join(out, href)); err != nil {
			t.Errorf("link to %s: %v", href, err)
		}
	}
	if advisories != 4 || files < 10 {
		t.Errorf("%d advisories and %d files are linked", advisories, files)
	}
}

func TestThePageCanBeReadByMachinesThatReadAloud(t *testing.T) {
	_, root := pageOf(t, nil)
	if n := len(elements(root, "h1")); n != 1 {
		t.Errorf("%d h1", n)
	}
	ids := map[string]bool{}
	for n := range root.Descendants() {
		if id := attribute(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("id %s is there twice", id)
			}
			ids[id] = true
		}
	}
	for n := range root.Descendants() {
		if ref := attribute(n, "aria-labelledby"); ref != "" && !ids[ref] {
			t.Errorf("<%s> is labelled by %s, which is not there", n.Data, ref)
		}
	}
	for _, table := range elements(root, "table") {
		if len(elements(table, "caption")) != 1 {
			t.Errorf("a table has no caption: %.60s", content(table))
		}
		for _, th := range elements(table, "th") {
			if attribute(th, "scope") == "" {
				t.Errorf("heading %q has no scope", content(th))
			}
		}
	}
	for _, section := range elements(root, "section") {
		if len(elements(section, "h2")) != 1 {
			t.Errorf("a section has no heading: %.60s", content(section))
		}
	}
}

func TestTheDemonstrationDatabaseIsNamedAsSuch(t *testing.T) {
	const notice = "Demonstration database."
	if _, root := pageOf(t, nil); !strings.Contains(content(root), notice) {
		t.Error("the notice is missing")
	}
	_, root := pageOf(t, map[string]func(string) string{"gate.json": replace("pave demo database", "trivy-db")})
	if strings.Contains(content(root), notice) {
		t.Error("a real database is called a demonstration, because its registry project is")
	}
}

func TestWarningsOfTheGatesAreShown(t *testing.T) {
	_, root := pageOf(t, map[string]func(string) string{
		"gate.json": replace(`"packages": 4,`, `"packages": 4, "warnings": ["no package was found"],`),
	})
	if !strings.Contains(content(root), "no package was found") {
		t.Error("the warning is missing")
	}
}

func TestColoursContrastAsWCAGAsks(t *testing.T) {
	_, root := pageOf(t, nil)
	css := content(elements(root, "style")[0])
	themes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(css, -1)
	if len(themes) != 3 {
		t.Fatalf("%d themes, want light, dark and print", len(themes))
	}
	for _, theme := range themes {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([\w-]+): (#[0-9a-f]+)`).FindAllStringSubmatch(theme[1], -1) {
			colour[m[1]] = m[2]
		}
		for _, pair := range [][2]string{{"yes", "added"}, {"no", "removed"}, {"warn", "warn-wash"}, {"ink", "warn-wash"}} {
			assertContrast(t, colour, pair[0], pair[1])
		}
		for _, text := range []string{"ink", "soft", "link", "yes", "no", "warn", "critical", "high", "medium", "low", "unknown"} {
			assertContrast(t, colour, text, "paper")
			assertContrast(t, colour, text, "wash")
		}
	}
}

// assertContrast wants at least 4.5:1, https://www.w3.org/TR/WCAG21/#contrast-minimum.
func assertContrast(t *testing.T, colour map[string]string, text, ground string) {
	t.Helper()
	a, b := luminance(t, colour[text]), luminance(t, colour[ground])
	if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
		t.Errorf("%s %s on %s %s: %.2f", text, colour[text], ground, colour[ground], ratio)
	}
}

// luminance is that of https://www.w3.org/TR/WCAG21/#dfn-relative-luminance.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = hex[:1] + hex[:1] + hex[1:2] + hex[1:2] + hex[2:] + hex[2:]
	}
	n, err := strconv.ParseUint(hex, 16, 24)
	if err != nil {
		t.Fatalf("colour %q: %v", hex, err)
	}
	channel := func(shift uint, weight float64) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.03928 {
			return weight * v / 12.92
		}
		return weight * math.Pow((v+0.055)/1.055, 2.4)
	}
	return channel(16, 0.2126) + channel(8, 0.7152) + channel(0, 0.0722)
}

func TestStepsThatWereNotRunAreShownSo(t *testing.T) {
	_, root := pageOf(t, map[string]func(string) string{
		"gate.json": nil, "publish.json": nil, "sign.json": nil, "attest.json": nil, "verify.json": nil,
		"provenance.json": nil, "chart.json": nil, "deploy.json": nil,
	})
	var notRun int
	for _, li := range elements(root, "li") {
		if attribute(li, "class") == "notrun" {
			notRun++
		}
	}
	if notRun != 8 {
		t.Errorf("%d steps are shown as not run, want 8", notRun)
	}
}
