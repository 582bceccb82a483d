package process

import "bytes"

// plainly finds the keys of a kind as pattern does, but tries again behind every prefix: what is skipped is found here.
func plainly(prefix string, text []byte, end func(text []byte, at int) int) []span {
	var found []span
	for from := 0; ; {
		at := bytes.Index(text[from:], []byte(prefix))
		if at < 0 {
			return found
		}
		at += from
		if from = end(text, at); from < 0 {
			from = at + 1
			continue
		}
		found = append(found, span{at, from})
	}
}

// plainEnd says where a key ends, -1 for none, word for word what the kinds of keys are.
func plainEnd(prefix string) func(text []byte, at int) int {
	switch prefix {
	case "sk-":
		return func(text []byte, at int) int { return atLeast(text, at+3, 40, plainByte) }
	case "AKIA", "ASIA":
		return func(text []byte, at int) int {
			if run(text, at, maxKey, capitalByte) != at+20 || at > 0 && capitalByte(text[at-1]) {
				return -1
			}
			return at + 20
		}
	case "eyJ":
		return plainJWT
	case pemBegin:
		return plainPEM
	case "sk-ant-", "sk-proj-", "sk-svcacct-", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-":
		return func(text []byte, at int) int { return atLeast(text, at+len(prefix), 20, keyByte) }
	default:
		return func(text []byte, at int) int { return atLeast(text, at+len(prefix), 30, keyByte) }
	}
}

// atLeast is where a run ends that is long enough.
func atLeast(text []byte, begin, least int, is func(byte) bool) int {
	if end := run(text, begin, maxKey, is); end-begin >= least {
		return end
	}
	return -1
}

func plainJWT(text []byte, at int) int {
	end := atLeast(text, at, leastPart, keyByte)
	for range 2 {
		if end < 0 || end == len(text) || text[end] != '.' {
			return -1
		}
		end = atLeast(text, end+1, leastPart, keyByte)
	}
	return end
}

func plainPEM(text []byte, at int) int {
	rest := text[at:min(len(text), at+maxPEM)]
	label, _, found := bytes.Cut(rest[len(pemBegin):], []byte(pemDashes))
	if !found || len(label) > maxLabel || !bytes.Contains(label, []byte(pemKey)) {
		return -1
	}
	body, last, found := bytes.Cut(rest, []byte(pemFinish))
	name, _, closed := bytes.Cut(last, []byte(pemDashes))
	if !found || !closed {
		return at + len(rest)
	}
	return at + len(body) + len(pemFinish) + len(name) + len(pemDashes)
}
