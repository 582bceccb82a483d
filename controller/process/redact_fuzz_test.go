package process_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agent-work-orders/awo/controller/process"
)

// written lists the ways in which programs write a secret, worked out apart from the redactor.
func written(secret string) []string {
	quoted, _ := json.Marshal(secret)
	plain := string(quoted[1 : len(quoted)-1])
	for escape, char := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		plain = strings.ReplaceAll(plain, escape, char)
	}
	var lower strings.Builder
	for _, b := range []byte(secret) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-_.~", b) >= 0 {
			lower.WriteByte(b)
			continue
		}
		lower.WriteString("%" + string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15]))
	}
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1]), plain, lower.String(),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte("x:" + secret)),
		base64.RawStdEncoding.EncodeToString([]byte("name:" + secret + "@")),
		inLinesOf(11, base64.StdEncoding.EncodeToString([]byte("x: "+secret)), "\n"),
		inLinesOf(76, base64.StdEncoding.EncodeToString([]byte(secret)), `\r\n`), escapedWhole(secret, `\u`),
	}
}

// remains tells which secret can still be read in a redacted text, in its literal forms. What stands on both sides
// of a replacement never stood together.
func remains(redacted []byte, secrets []string) string {
	for piece := range bytes.SplitSeq(redacted, []byte(process.Redacted)) {
		for _, secret := range secrets {
			for _, form := range written(secret)[:6] {
				if bytes.Contains(piece, []byte(form)) {
					return form
				}
			}
			if form := escapedWhole(secret, `\u`); bytes.Contains(piece, []byte(form)) {
				return form
			}
			lines := strings.NewReplacer("\r", "", "\n", "", `\r`, "", `\n`, "").Replace(string(piece))
			if form := base64.RawStdEncoding.EncodeToString([]byte(secret[:len(secret)/3*3])); strings.Contains(lines, form) {
				return form
			}
		}
	}
	return ""
}

// streamed redacts a text that is written in pieces of the sizes given, over and over.
func streamed(r *process.Redactor, text, sizes []byte) []byte {
	var out bytes.Buffer
	w := r.Writer(&out)
	for i := 0; len(text) > 0; i++ {
		size := len(text)
		if len(sizes) > 0 {
			size = min(size, 1+int(sizes[i%len(sizes)])*int(sizes[(i+1)%len(sizes)]))
		}
		_, _ = w.Write(text[:size])
		text = text[size:]
	}
	_ = w.Close()
	return out.Bytes()
}

// FuzzRedactor writes secrets into a text in a form each and looks for them in what comes out.
func FuzzRedactor(f *testing.F) {
	f.Add("s3cret-value", "value-and-more", "before ", " between\n", " behind", byte(0), 0, []byte{7})
	f.Add("quo\"te<d>&value/+?", "tokén value~(1)!", "https://x:", "@h ", "\n", byte(1), 0, []byte{})
	f.Add("first line\nsecond line\nthird", "second line", "{\n", "\n", "}\n", byte(0), 0, []byte{3, 1})
	f.Add("12345678", "87654321", privateKey, privateKey[:70], "\nrest", byte(4), 40000, []byte{255, 200})
	f.Add("aaaaaaaa", "aaaaaaab", "ghp_", "aaaaaaaa", "aaaaaaa", byte(8), 70000, []byte{90})
	f.Add("s3cret-value-of-some-length", "another-one", "Zm9v", "\n", "\n", byte(9), 0, []byte{2, 3})
	f.Add("s3cret-value-of-some-length", "another-one", `{"a":"`, `"},{"text":"`, `"}`, byte(11), 0, []byte{5})
	f.Add("redacted", "[redacted]x", "[", "]", "[redacted]", byte(0), 0, []byte{1})
	f.Fuzz(func(t *testing.T, one, two, before, between, behind string, form byte, filler int, sizes []byte) {
		one, two = strings.TrimSpace(one), strings.TrimSpace(two)
		if len(one) < 8 || len(two) < 8 || !utf8.ValidString(one) || !utf8.ValidString(two) {
			return
		}
		ways := len(written(one))
		text := []byte(before + written(one)[int(form)%ways] + between + strings.Repeat("x", max(0, filler%120_000)) +
			written(two)[int(form)/ways%ways] + behind)
		r := process.NewRedactor(one, two)
		secrets := []string{one, two}
		whole := r.Bytes(bytes.Clone(text))
		if form := remains(whole, secrets); form != "" {
			t.Fatalf("%q remains in\n%q of\n%q", form, whole, text)
		}
		pieces := streamed(r, text, sizes)
		if form := remains(pieces, secrets); form != "" {
			t.Fatalf("%q remains in\n%q, written in pieces", form, pieces)
		}
		// Beyond that, where a line is cut may decide what looks like a key.
		if len(text) < 30_000 && !bytes.Equal(pieces, whole) {
			t.Fatalf("in pieces:\n%q\nas a whole:\n%q", pieces, whole)
		}
	})
}

// FuzzRedactorLeavesText writes a text without secrets, which must come out as it is.
func FuzzRedactorLeavesText(f *testing.F) {
	f.Add([]byte("plain\ntext"), []byte{3})
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), []byte{5})
	f.Add([]byte("names begin with sk and ghp"), []byte{1})
	f.Fuzz(func(t *testing.T, text, sizes []byte) {
		for _, mark := range []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "xox", "xapp-", "AKIA", "ASIA", "eyJ", "PRIVATE KEY"} {
			if bytes.Contains(text, []byte(mark)) {
				return
			}
		}
		// No text holds a byte that is not there.
		r := process.NewRedactor("a secret that fuzzing does not find", "another\none of two lines")
		if out := r.Bytes(text); !bytes.Equal(out, text) {
			t.Fatalf("%q became %q", text, out)
		}
		if out := streamed(r, text, sizes); !bytes.Equal(out, text) {
			t.Fatalf("%q became %q in pieces", text, out)
		}
	})
}
