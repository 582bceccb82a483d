package process

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// minSecret is the length in bytes from which a value is taken for a secret: shorter ones occur by chance.
	minSecret = 8
	// Redacted stands where a secret was.
	Redacted = "[redacted]"
)

// Redactor takes secrets out of what leaves the process: the exact values, the same in base64, also of several lines, URL
// encoding and as JSON strings, however these are escaped, and what looks like a key of a well-known service. The zero
// value knows only the latter. It may be used by several goroutines.
type Redactor struct {
	mu    sync.Mutex
	known map[string]bool
	// needles are the byte strings to look for, the longest first.
	needles atomic.Pointer[[]needle]
}

// needle is a form of a secret.
type needle struct {
	text []byte
	// wraps says that it is base64, which programs write in lines.
	wraps bool
}

// NewRedactor knows the given secrets. Those of less than 8 bytes are left out.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	for _, secret := range secrets {
		r.Learn(secret)
	}
	return r
}

// Learn makes a further secret known. Nothing is forgotten: what a rotated token was may still stand in some output.
func (r *Redactor) Learn(secret string) {
	secret = strings.TrimSpace(secret)
	if len(secret) < minSecret {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[secret] {
		return
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[secret] = true
	needles := slices.Clone(r.list())
	for _, form := range forms(secret) {
		needles = append(needles, needle{text: []byte(form)})
	}
	for _, form := range inLines(secret) {
		needles = append(needles, needle{text: []byte(form), wraps: true})
	}
	slices.SortFunc(needles, func(a, b needle) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), bytes.Compare(a.text, b.text))
	})
	needles = slices.CompactFunc(needles, func(a, b needle) bool { return a.wraps == b.wraps && bytes.Equal(a.text, b.text) })
	r.needles.Store(&needles)
}

// Learning returns a reader of a secret that makes known whatever is read: the content of a file may change.
func (r *Redactor) Learning(read func() (string, error)) func() (string, error) {
	return func() (string, error) {
		secret, err := read()
		r.Learn(secret)
		return secret, err
	}
}

func (r *Redactor) list() []needle {
	if needles := r.needles.Load(); needles != nil {
		return *needles
	}
	return nil
}

// forms lists how a secret may be written on one line, or its own.
func forms(secret string) []string {
	all := make([]string, 0, 9)
	all = append(all, secret)
	for _, escaped := range []string{url.QueryEscape(secret), url.PathEscape(secret), escapeComponent(secret)} {
		all = append(all, escaped, lowerEscapes(escaped))
	}
	for _, html := range []bool{true, false} {
		all = append(all, inJSON(secret, html))
	}
	return all
}

// inLines lists how a secret may be written that is wrapped wherever a line is full.
func inLines(secret string) []string {
	all := make([]string, 0, 6)
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			all = append(all, inBase64(encoding, secret, before))
		}
	}
	return all
}

// escapeComponent is encodeURIComponent of JavaScript, in which agents are written.
func escapeComponent(secret string) string {
	escaped := strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")
	return strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(escaped)
}

// percentEscape is one byte of an escaped URL.
var percentEscape = regexp.MustCompile("%[0-9A-F]{2}")

// lowerEscapes writes %2f where others write %2F.
func lowerEscapes(escaped string) string {
	return percentEscape.ReplaceAllStringFunc(escaped, strings.ToLower)
}

// inJSON is what stands between the quotes of a JSON string; Go escapes what HTML minds, others do not.
func inJSON(secret string, html bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(html)
	if err := encoder.Encode(secret); err != nil {
		return secret
	}
	quoted := strings.TrimSpace(out.String())
	return quoted[1 : len(quoted)-1]
}

// inBase64 is what a secret looks like in the encoding of something longer, such as user:password: the characters
// that depend on it alone when a number of bytes, modulo 3, stands before it.
func inBase64(encoding *base64.Encoding, secret string, before int) string {
	const bitsInByte, bitsInCharacter = 8, 6
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
	first := (before*bitsInByte + bitsInCharacter - 1) / bitsInCharacter
	last := (before + len(secret)) * bitsInByte / bitsInCharacter
	return encoded[first:last]
}

// Bytes returns the text without secrets. Without any it is the very slice that was given; otherwise a new one,
// and the given one stays as it is.
func (r *Redactor) Bytes(text []byte) []byte {
	found := r.spans(text)
	if len(found) == 0 {
		return text
	}
	return blacken(text, found)
}

// String returns the text without secrets.
func (r *Redactor) String(text string) string { return string(r.Bytes([]byte(text))) }

// Longest is how many bytes the longest form of a known secret may take, 0 when none is known: each of its characters may
// be escaped and stand on a line of its own. What is stretched further than a private key is long is no output of any
// program.
func (r *Redactor) Longest() int {
	const stretch = maxSlashes + len("u0000") + maxGap
	needles := r.list()
	if len(needles) == 0 {
		return 0
	}
	longest := len(needles[0].text)
	return longest + min(longest*stretch, maxPEM)
}
