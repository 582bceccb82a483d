package process

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

const (
	// minSecret is the length in bytes from which a value is taken for a secret: shorter ones occur by chance.
	minSecret = 8
	// Redacted stands where a secret was.
	Redacted = "[redacted]"
)

// Redactor takes secrets out of what leaves the process: the exact values, the same in base64, URL encoding and
// as JSON strings, and what looks like a key of a well-known service. The zero value knows only the latter.
// It may be used by several goroutines.
type Redactor struct {
	// needles are the byte strings to look for, the longest first, so that a secret that contains another goes whole.
	needles [][]byte
}

// NewRedactor knows the given secrets. Those of less than 8 bytes are left out.
func NewRedactor(secrets ...string) *Redactor {
	var needles [][]byte
	for _, secret := range secrets {
		secret = strings.TrimSpace(secret)
		if len(secret) < minSecret {
			continue
		}
		for _, form := range forms(secret) {
			needles = append(needles, []byte(form))
		}
	}
	slices.SortFunc(needles, func(a, b []byte) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), bytes.Compare(a, b))
	})
	return &Redactor{needles: slices.CompactFunc(needles, bytes.Equal)}
}

// forms lists how a secret may be written.
func forms(secret string) []string {
	all := []string{secret, url.QueryEscape(secret), url.PathEscape(secret)}
	if quoted, err := json.Marshal(secret); err == nil {
		all = append(all, string(quoted[1:len(quoted)-1]))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			all = append(all, inBase64(encoding, secret, before))
		}
	}
	return all
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
	for _, needle := range r.needles {
		if bytes.Contains(text, needle) {
			text = bytes.ReplaceAll(text, needle, []byte(Redacted))
		}
	}
	for _, k := range keys {
		text = k.redact(text)
	}
	return text
}

// String returns the text without secrets.
func (r *Redactor) String(text string) string { return string(r.Bytes([]byte(text))) }

// longest is the length of the longest needle.
func (r *Redactor) longest() int {
	if len(r.needles) == 0 {
		return 0
	}
	return len(r.needles[0])
}

// key is how the keys of a service look: a prefix and at least so many letters, digits, - and _ after it.
type key struct {
	prefix string
	least  int
}

// keys are those of the services that agents deal with.
var keys = []key{
	{"github_pat_", 30}, {"ghp_", 30}, {"gho_", 30}, {"ghu_", 30}, {"ghs_", 30}, {"ghr_", 30},
	{"sk-ant-", 20}, {"glpat-", 20},
}

// redact replaces all keys of this kind. Text before a key does not matter: in JSON it may be the n of \n.
func (k key) redact(text []byte) []byte {
	var out []byte
	copied := 0
	for at := k.next(text, 0); at >= 0; at = k.next(text, copied) {
		out = append(append(out, text[copied:at]...), Redacted...)
		copied = k.end(text, at)
	}
	if out == nil {
		return text
	}
	return append(out, text[copied:]...)
}

// next finds the first key from an index on, or returns -1.
func (k key) next(text []byte, from int) int {
	for {
		at := bytes.Index(text[from:], []byte(k.prefix))
		if at < 0 {
			return -1
		}
		at += from
		if k.end(text, at)-at-len(k.prefix) >= k.least {
			return at
		}
		from = at + len(k.prefix)
	}
}

// end is where the key that begins at an index ends.
func (k key) end(text []byte, at int) int {
	end := at + len(k.prefix)
	for end < len(text) && keyByte(text[end]) {
		end++
	}
	return end
}

func keyByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '-'
}
