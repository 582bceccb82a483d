package manifest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// writer writes random YAML in every style that people and tools use.
type writer struct {
	*rand.Rand
	out strings.Builder
	// kept says that the text ends with a block scalar, to which lines behind it may belong.
	kept bool
}

func (w *writer) pick(list ...string) string { return list[w.IntN(len(list))] }

func (w *writer) spaces(n int) string { return strings.Repeat(" ", n) }

// junk writes comments and blank lines.
func (w *writer) junk(indent int) {
	for i := range w.IntN(3) {
		switch {
		case w.kept && i == 0:
			w.out.WriteString(w.spaces(indent) + "# first\n")
		case w.IntN(2) == 0:
			w.out.WriteString(w.pick("\n", "  \n", "\n\n"))
		default:
			w.out.WriteString(w.spaces(w.IntN(9)) + w.pick("# comment\n", "# status: {}\n", "#\n", "# '\" | {[\n"))
		}
	}
	w.kept = false
}

// value writes what stands behind the colon of a key with this indentation.
func (w *writer) value(indent, depth int) {
	w.kept = false
	in := w.spaces(indent + 1 + w.IntN(4))
	comment := w.pick("", " # c", "  # } ] \" '")
	choice := w.IntN(12)
	if depth > 3 {
		choice = w.IntN(8)
	}
	switch choice {
	case 0:
		w.out.WriteString(w.pick("", " ~", " don't", " a: b"[:2], " a#b:c", " {}", " []", " &a x", " !!str 5", " - 1"[:2]+"1") + comment + "\n")
	case 1:
		w.out.WriteString(" plain" + w.pick("\n", "\n\n") + in + "more # c\n"[:4+w.IntN(2)*4] + "\n")
	case 2:
		w.out.WriteString(" \"a \\\" \\\\\n" + in + "# no comment\n\n" + in + "status: '\"" + comment + "\n")
	case 3:
		w.out.WriteString(w.pick(" ", "\n"+in) + "'a ''\n" + in + "# no comment\n\n" + in + "\" end'" + comment + "\n")
	case 4, 5:
		w.block(indent)
	case 6:
		w.out.WriteString(w.pick(" ", "\n"+in) + "{a: it's, \"b\": [1, 'x}', # }\n" + in + "\"]\", {c: *x}, d e ],\n" + in + "# ]\n" + in + "f: }" + comment + "\n")
	case 7:
		w.out.WriteString(" [a, b" + w.pick("", ",", " ,\n"+in) + "]" + comment + "\n")
	case 8, 9:
		w.out.WriteString(comment + "\n")
		w.list(indent+w.IntN(3), depth)
	default:
		w.out.WriteString(comment + "\n")
		w.fields(indent+1+w.IntN(4), depth+1)
	}
}

// block writes a block scalar.
func (w *writer) block(indent int) {
	digit := w.IntN(5)
	header, width := "", 1+w.IntN(4)
	if digit > 0 {
		header, width = fmt.Sprint(digit), digit
	}
	w.out.WriteString(" " + w.pick("|", ">") + w.pick(header+"-", header+"+", "-"+header, "+"+header, header) + w.pick("", " # c") + "\n")
	in := w.spaces(indent + width)
	lines := w.IntN(4)
	if digit > 0 && lines > 0 {
		w.out.WriteString(in + w.pick(" deeper\n", "x\n"))
	}
	for i := range lines {
		w.out.WriteString(in + w.pick("text\n", "# text\n", "status: x\n", "\"'{[\n"))
		if i+1 < lines {
			w.out.WriteString(w.pick("", "\n", in+"  deeper\n", in+"\ttab\n"))
		}
	}
	w.kept = true
}

// list writes a list.
func (w *writer) list(indent, depth int) {
	for range 1 + w.IntN(3) {
		w.junk(indent)
		w.out.WriteString(w.spaces(indent) + "-")
		w.value(indent, depth+1)
	}
}

// fields writes the fields of a mapping.
func (w *writer) fields(indent, depth int) {
	for i := range 1 + w.IntN(3) {
		w.junk(indent)
		w.out.WriteString(w.spaces(indent) + w.pick("", "\"", "'"))
		text := w.out.String()
		quote := strings.TrimLeft(text[len(text)-1:], " \n")
		fmt.Fprintf(&w.out, "k%d%s:", i, quote)
		w.value(indent, depth)
	}
}

// file writes a manifest around a random status and returns its parts.
func (w *writer) file(indent int) (before, status, after string) {
	in := w.spaces(indent)
	request := in + "spec:\n" + in + "  repository:\n" + in + "    url: https://github.com/acme/app\n" + in + "  request: "
	switch w.IntN(3) {
	case 0:
		request += "do it\n"
	case 1:
		request += "|" + w.pick("", "+", "-") + "\n" + in + "     text\n\n" + in + "     # text\n"
	default:
		request += "\"a\n" + in + "   # b\"\n"
	}
	keys := []string{in + "apiVersion: awo.archon.dev/v1alpha1\n", in + "kind: WorkOrder\n", in + "metadata: {name: demo, annotations: {x: &x why}}\n", request}
	w.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	at := w.IntN(len(keys) + 1)
	part := func(write func()) string {
		w.out.Reset()
		write()
		return w.out.String()
	}
	some := func(keys []string) func() {
		return func() {
			for _, k := range keys {
				w.kept = strings.HasPrefix(k, in+"spec") && strings.Contains(k, "|")
				w.out.WriteString(k)
				w.junk(indent)
			}
		}
	}
	before = part(func() { w.kept = false; w.junk(indent); some(keys[:at])() })
	status = part(func() { w.out.WriteString(in + "status:"); w.value(indent, 0) })
	if w.kept {
		// What follows directly could be part of the text.
		after = in + "# behind\n"
	}
	after += part(func() { w.kept = false; w.junk(indent); some(keys[at:])() })
	return before, status, after
}

// TestRandomFiles splices into files that hold what generators of tests do not think of.
func TestRandomFiles(t *testing.T) {
	const rounds = 300
	want := status()
	used := 0
	for seed := range uint64(rounds) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 7))}
		before, written, after := w.file(w.IntN(3) * 2)
		if i := w.IntN(8); i == 0 {
			before, written, after = forms["CRLF"](before), forms["CRLF"](written), forms["CRLF"](after)
		} else if i == 1 {
			before = "\ufeff" + before
		}
		data := []byte(before + written + after)
		docs, _ := manifest.Parse(data)
		if len(docs) != 1 || docs[0].Object == nil {
			continue
		}
		used++
		out, err := manifest.SpliceStatus(data, 0, want)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, data)
		}
		if !strings.HasPrefix(string(out), before) || !strings.HasSuffix(string(out), after) {
			t.Fatalf("seed %d:\n%s\n----- became\n%s", seed, data, out)
		}
		again, _ := manifest.Parse(out)
		if !equality.Semantic.DeepEqual(again[0].Object.Status, want) || !reflect.DeepEqual(again[0].Object.Spec, docs[0].Object.Spec) {
			t.Fatalf("seed %d: reads otherwise:\n%s", seed, out)
		}
		// A removal may be refused: a comment behind the status could become part of a text in front of it.
		if bare, err := manifest.SpliceStatus(data, 0, nil); err == nil && string(bare) != before+after {
			t.Fatalf("seed %d: removed: %v\n%s\n-----\n%s", seed, err, data, bare)
		}
		if twice, err := manifest.SpliceStatus(out, 0, want); err != nil || !bytes.Equal(twice, out) {
			t.Fatalf("seed %d: not idempotent: %v\n%s\n-----\n%s", seed, err, out, twice)
		}
		annotated(t, seed, data)
	}
	if used < rounds/2 {
		t.Errorf("only %d of %d files were good", used, rounds)
	}
}

// annotated sets and removes a field and must come back to the same bytes.
func annotated(t *testing.T, seed uint64, data []byte) {
	t.Helper()
	for _, path := range [][]string{retryPath, cancelPath} {
		var value any = "now"
		if path[0] == "spec" {
			value = true
		}
		set, err := manifest.SetField(data, 0, path, value)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, data)
		}
		back, err := manifest.SetField(set, 0, path, nil)
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("seed %d: %v\n%s\n----- back\n%s", seed, err, set, back)
		}
	}
	docs, _ := manifest.Parse(data)
	if docs[0].Object.Spec.Cancel || docs[0].Object.Annotations[v1alpha1.AnnotationRetriedAt] != "" {
		t.Fatalf("seed %d: the input was changed", seed)
	}
}
