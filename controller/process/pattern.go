package process

import "bytes"

// pattern is what the keys of a service look like: they begin with a prefix, and end tells where one that begins at
// an index ends, or -1 when it is none, and where the search goes on. A text can be made of beginnings of keys, so one
// that is none says how far no other can begin that is: no byte is looked at over and over.
type pattern struct {
	prefix string
	end    func(text []byte, at int) (end, further int)
}

// alphabet tells which bytes the parts of keys are made of.
type alphabet struct{ key, plain, capital func(byte) bool }

// patterns are those of the services that agents deal with.
var patterns = alphabet{keyByte, plainByte, capitalByte}.patterns()

func (a alphabet) patterns() []pattern {
	return []pattern{
		a.word("github_pat_", 30), a.word("ghp_", 30), a.word("gho_", 30), a.word("ghu_", 30), a.word("ghs_", 30),
		a.word("ghr_", 30), a.word("glpat-", 20), a.word("sk-ant-", 20), a.word("sk-proj-", 20), a.word("sk-svcacct-", 20),
		a.openAI(), a.word("xoxb-", 20), a.word("xoxp-", 20), a.word("xoxa-", 20), a.word("xoxr-", 20), a.word("xoxs-", 20),
		a.word("xapp-", 20), a.aws("AKIA"), a.aws("ASIA"), a.jwt(), {pemBegin, pemEnd},
	}
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
		if end, from = p.end(text, at); end > at {
			return at, end
		}
	}
}

// run is where bytes of a kind end that begin at an index; it goes no further than so many of them.
func run(text []byte, from, most int, is func(byte) bool) int {
	limit := min(len(text), from+most)
	for from < limit && is(text[from]) {
		from++
	}
	return from
}

func keyByte(b byte) bool { return plainByte(b) || b == '_' || b == '-' }

func plainByte(b byte) bool { return 'a' <= b && b <= 'z' || capitalByte(b) }

func capitalByte(b byte) bool { return 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' }

// word is a key of at least so many letters, digits, - and _ after its prefix. When there are too few, there are fewer
// still behind another prefix among them.
func (a alphabet) word(prefix string, least int) pattern {
	return pattern{prefix, func(text []byte, at int) (end, further int) {
		begin := at + len(prefix)
		if end = run(text, begin, maxKey, a.key); end-begin < least {
			return -1, end
		}
		return end, end
	}}
}

// openAI is a key of the first kind: letters and digits alone, so that long names with dashes are none. The prefix
// has a dash, so the next may begin with the last of the letters.
func (a alphabet) openAI() pattern {
	const prefix, least = "sk-", 40
	return pattern{prefix, func(text []byte, at int) (end, further int) {
		begin := at + len(prefix)
		if end = run(text, begin, maxKey, a.plain); end-begin < least {
			return -1, max(begin, end-len(prefix)+1)
		}
		return end, end
	}}
}

// aws is the id of an access key: 16 capitals and digits after the prefix, and no more of them, neither behind nor
// before. So none begins among capitals.
func (a alphabet) aws(prefix string) pattern {
	const length = 20
	return pattern{prefix, func(text []byte, at int) (end, further int) {
		if at > 0 && a.capital(text[at-1]) {
			return -1, at + len(prefix)
		}
		if end = run(text, at, length+1, a.capital); end != at+length {
			return -1, end
		}
		return end, end
	}}
}

// jwt is a JSON Web Token: header, claims and signature in base64url, with dots between. Whatever begins in a header
// goes on behind the same dot; claims may be the header of another.
func (a alphabet) jwt() pattern {
	return pattern{"eyJ", func(text []byte, at int) (end, further int) {
		header := run(text, at, len(text), a.key)
		switch {
		case header-at < leastPart || header == len(text) || text[header] != '.':
			return -1, header
		case header-at > maxKey: // one that begins later may be short enough
			return -1, header - maxKey
		}
		if end = a.part(text, a.part(text, header)); end < 0 {
			return -1, header
		}
		return end, end
	}}
}

// leastPart is how short a part of a JSON Web Token can be, in bytes.
const leastPart = 8

// part is where the part of a JSON Web Token ends whose dot is at an index, or -1.
func (a alphabet) part(text []byte, dot int) int {
	if dot < 0 || dot == len(text) || text[dot] != '.' {
		return -1
	}
	end := run(text, dot+1, maxKey, a.key)
	if end-dot-1 < leastPart {
		return -1
	}
	return end
}

// A private key stands between two lines.
const (
	pemBegin  = "-----BEGIN "
	pemFinish = "-----END "
	pemDashes = "-----"
	pemKey    = "PRIVATE KEY"
	// maxLabel is how long the text between BEGIN and the dashes can be, and maxPEM a private key, in bytes.
	maxLabel = 64
	maxPEM   = 32 << 10
)

// pemEnd knows a private key in PEM; one whose end is missing reaches to the end of the text.
func pemEnd(text []byte, at int) (end, further int) {
	if label, ok := pemLabel(text, at); !ok {
		return -1, label
	}
	end, _ = pemSpan(text, at)
	return end, end
}

// pemLabel tells where the label of a first line ends that begins at an index, and whether it is a private key's. No
// other line begins before that.
func pemLabel(text []byte, at int) (end int, ok bool) {
	begin := at + len(pemBegin)
	label := text[begin:min(len(text), begin+maxLabel+len(pemDashes))]
	dashes := bytes.Index(label, []byte(pemDashes))
	if dashes < 0 {
		return begin + max(0, len(label)-len(pemDashes)+1), false
	}
	return begin + dashes, bytes.Contains(label[:dashes], []byte(pemKey))
}

// pemSpan tells where a private key ends that begins at an index, and whether its last line is there.
func pemSpan(text []byte, at int) (end int, whole bool) {
	rest := text[at:min(len(text), at+maxPEM)]
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
