package process

import "bytes"

// pattern is what the keys of a service look like: they begin with a prefix, and end tells where one that begins at
// an index ends, or -1 when it is none.
type pattern struct {
	prefix string
	end    func(text []byte, at int) int
}

// patterns are those of the services that agents deal with.
var patterns = []pattern{
	word("github_pat_", 30), word("ghp_", 30), word("gho_", 30), word("ghu_", 30), word("ghs_", 30), word("ghr_", 30),
	word("glpat-", 20), word("sk-ant-", 20), word("sk-proj-", 20), word("sk-svcacct-", 20), {"sk-", openAIEnd},
	word("xoxb-", 20), word("xoxp-", 20), word("xoxa-", 20), word("xoxr-", 20), word("xoxs-", 20), word("xapp-", 20),
	{"AKIA", awsEnd}, {"ASIA", awsEnd}, {"eyJ", jwtEnd}, {pemBegin, pemEnd},
}

// word is a key of at least so many letters, digits, - and _ after its prefix.
func word(prefix string, least int) pattern {
	return pattern{prefix, func(text []byte, at int) int {
		if end := run(text, at+len(prefix), keyByte); end-at-len(prefix) >= least {
			return end
		}
		return -1
	}}
}

// spans appends where the keys of this kind are. Text before a key does not matter: in JSON it may be the n of \n.
func (p pattern) spans(text []byte, found []span) []span {
	for at, end := p.next(text, 0); at >= 0; at, end = p.next(text, end) {
		found = append(found, span{at, end})
	}
	return found
}

// next finds the first key from an index on; at is -1 when there is none.
func (p pattern) next(text []byte, from int) (at, end int) {
	for {
		found := bytes.Index(text[from:], []byte(p.prefix))
		if found < 0 {
			return -1, -1
		}
		at = from + found
		if end = p.end(text, at); end > at {
			return at, end
		}
		from = at + len(p.prefix)
	}
}

// run is where bytes of a kind end that begin at an index; it goes no further than a key can be long.
func run(text []byte, from int, is func(byte) bool) int {
	limit := min(len(text), from+maxKey)
	for from < limit && is(text[from]) {
		from++
	}
	return from
}

func keyByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '-'
}

// openAIEnd knows a key of the first kind: letters and digits alone, so that long names with dashes are none.
func openAIEnd(text []byte, at int) int {
	const prefix, least = 3, 40
	end := run(text, at+prefix, func(b byte) bool { return keyByte(b) && b != '-' && b != '_' })
	if end-at-prefix < least {
		return -1
	}
	return end
}

// awsEnd knows the id of an access key: 16 capitals and digits after the prefix, and no more of them.
func awsEnd(text []byte, at int) int {
	const length = 20
	capital := func(b byte) bool { return 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' }
	if run(text, at, capital) != at+length || at > 0 && capital(text[at-1]) {
		return -1
	}
	return at + length
}

// jwtEnd knows a JSON Web Token: header, claims and signature in base64url, with dots between.
func jwtEnd(text []byte, at int) int {
	const least = 8
	end := at
	for part := range 3 {
		if part > 0 {
			if end >= len(text) || text[end] != '.' {
				return -1
			}
			end++
		}
		begin := end
		if end = run(text, begin, keyByte); end-begin < least {
			return -1
		}
	}
	return end
}

// A private key stands between two lines.
const (
	pemBegin  = "-----BEGIN "
	pemFinish = "-----END "
	pemDashes = "-----"
	pemKey    = "PRIVATE KEY"
	// maxPEM is how long a private key can be, in bytes.
	maxPEM = 32 << 10
)

// pemEnd knows a private key in PEM; one whose end is missing reaches to the end of the text.
func pemEnd(text []byte, at int) int {
	end, _ := pemSpan(text, at)
	return end
}

// pemSpan tells where a private key ends that begins at an index, -1 when none does, and whether its last line is
// there.
func pemSpan(text []byte, at int) (end int, whole bool) {
	rest := text[at:min(len(text), at+maxPEM)]
	label := rest[len(pemBegin):]
	dashes := bytes.Index(label, []byte(pemDashes))
	if dashes < 0 || dashes > 64 || !bytes.Contains(label[:dashes], []byte(pemKey)) {
		return -1, false
	}
	finish := bytes.Index(rest, []byte(pemFinish))
	if finish < 0 {
		return at + len(rest), false
	}
	closing := bytes.Index(rest[finish+len(pemFinish):], []byte(pemDashes))
	if closing < 0 {
		return at + len(rest), false
	}
	return at + finish + len(pemFinish) + closing + len(pemDashes), true
}

// openPEM is where a private key begins that has not ended in the text and may go on behind it, or -1.
func openPEM(text []byte) int {
	key := pattern{pemBegin, pemEnd}
	for at, end := key.next(text, 0); at >= 0; at, end = key.next(text, end) {
		if _, whole := pemSpan(text, at); !whole && len(text)-at < maxPEM {
			return at
		}
	}
	return -1
}
