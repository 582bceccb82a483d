package manifest_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store/manifest"
)

// seeds are the files from which fuzzing starts.
func seeds() []string {
	list := []string{
		"", "---\n", "\xff\xfe", "{}", "[]", "a: &a {<<: *a}\n", "? a\n: b\n", "%YAML 1.2\n---\n" + head + body,
		spec("  agent: {type: command, command: [\"a\", 'b', c]}\n  timeouts: {<<: {idle: 1m}}\n"), flowFile,
		spec("") + "---\n" + spec("status: {}\n") + "...\n# x\n---\n{\n",
	}
	list = slices.Grow(list, len(outside)*len(forms)+2*len(commented))
	for _, tc := range commented {
		list = append(list, head+tc.status+"\n"+body, head+body+tc.status)
	}
	for _, tc := range outside {
		for _, store := range forms {
			list = append(list, store(tc.before+tc.status+tc.after))
		}
	}
	return list
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, problems := manifest.Parse(data)
		broken := map[int]bool{}
		lines := strings.Count(strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(string(data)), "\n") + 1
		for _, p := range problems {
			broken[p.Document] = true
			if p.Line < 1 || p.Line > lines || p.Message == "" {
				t.Errorf("line %d of %d: %s", p.Line, lines, p)
			}
		}
		for i, d := range docs {
			switch {
			case d.Index != i:
				t.Errorf("index %d at %d", d.Index, i)
			case broken[i] == (d.Object != nil):
				t.Errorf("document %d: broken %v, object %v", i, broken[i], d.Object)
			case d.Object != nil && (d.Object.Name != d.Name || d.Name == ""):
				t.Errorf("name %q and %q", d.Object.Name, d.Name)
			case d.Object != nil:
				encodedAgain(t, d.Object)
			}
			for _, p := range d.Validate(v1alpha1.Policy{}) {
				if p.Line < d.Line {
					t.Errorf("%s before the document at %d", p, d.Line)
				}
			}
		}
	})
}

// encodedAgain writes an order as a new manifest, which must say the same.
func encodedAgain(t *testing.T, o *v1alpha1.WorkOrder) {
	t.Helper()
	text, err := manifest.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	docs, problems := manifest.Parse(text)
	if len(docs) != 1 || docs[0].Object == nil {
		t.Fatalf("%+v was written and not read: %v\n%s", o, problems, text)
	}
	if back := docs[0].Object; !equality.Semantic.DeepEqual(back.Spec, o.Spec) || back.Name != o.Name ||
		!equality.Semantic.DeepEqual(back.Annotations, o.Annotations) || !equality.Semantic.DeepEqual(back.Labels, o.Labels) {
		t.Fatalf("%+v\n-- was written\n%s\n-- and read as\n%+v", o, text, back)
	}
}

// squeezed is a text without what separates fields.
func squeezed(data []byte) string {
	return string(bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n,", r) {
			return -1
		}
		return r
	}, data))
}

func FuzzSpliceStatus(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s), 0, "message")
		f.Add([]byte(s), 1, "a\n# b\n\n")
	}
	f.Fuzz(func(t *testing.T, data []byte, doc int, message string) {
		want := &v1alpha1.WorkOrderStatus{Phase: "Failed", Message: strings.ToValidUTF8(message, "?"), Changes: &v1alpha1.Changes{}}
		out, err := manifest.SpliceStatus(data, doc, want)
		if err != nil {
			return
		}
		before, _ := manifest.Parse(data)
		after, problems := manifest.Parse(out)
		if len(before) != len(after) {
			t.Fatalf("%d documents became %d", len(before), len(after))
		}
		for i := range before {
			was, is := before[i].Object, after[i].Object
			if (was == nil) != (is == nil) {
				t.Fatalf("document %d: %v became %v: %v", i, was, is, problems)
			}
			if was == nil {
				continue
			}
			if i == doc {
				if !reflect.DeepEqual(is.Status, want) {
					t.Fatalf("status is %+v", is.Status)
				}
				is.Status = was.Status
			}
			if !reflect.DeepEqual(was, is) {
				t.Fatalf("document %d: %+v became %+v", i, was, is)
			}
		}
		if again, err := manifest.SpliceStatus(out, doc, want); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("not idempotent: %v\n%q\n%q", err, out, again)
		}
		if doc == 0 {
			onlyStatusDiffers(t, data, out)
		}
		bare, err1 := manifest.SpliceStatus(data, doc, nil)
		bareAgain, err2 := manifest.SpliceStatus(out, doc, nil)
		if err1 == nil && err2 == nil && squeezed(bare) != squeezed(bareAgain) {
			t.Fatalf("outside of the status:\n%q\n%q", bare, bareAgain)
		}
	})
}

// onlyStatusDiffers compares byte for byte what stands before the status of the first document and from the next key
// on. Where that is, the parser of YAML tells, and not the code under test.
func onlyStatusDiffers(t *testing.T, data, out []byte) {
	t.Helper()
	var root yaml.Node
	if bytes.ContainsAny(data, "\r\ufeff\u0085\u2028\u2029") || yaml.NewDecoder(bytes.NewReader(data)).Decode(&root) != nil || len(root.Content) != 1 {
		return
	}
	fields := root.Content[0]
	first, behind := len(data), 0
	for i := 0; i+1 < len(fields.Content); i += 2 {
		switch key := fields.Content[i]; {
		case key.Value == "status":
			first, behind = offset(data, key), len(data)
		case behind == len(data):
			behind = offset(data, key)
		}
	}
	before, after := alike(data, out)
	if first == len(data) {
		// It is new, so that all of the file is still there, in front of it and behind it.
		if before+after < len(data) {
			t.Fatalf("bytes were lost:\n%q\n%q", data, out)
		}
	} else if before < first || after < len(data)-behind {
		t.Fatalf("bytes %d to %d are the status's, but more changed:\n%q\n%q", first, behind, data, out)
	}
}

// offset is where a node begins.
func offset(data []byte, n *yaml.Node) int {
	lines := bytes.SplitAfterN(data, []byte("\n"), n.Line)
	at := len(data) - len(lines[len(lines)-1])
	return at + len(string([]rune(string(lines[len(lines)-1]))[:n.Column-1]))
}

// alike counts the bytes that two texts have in common at their beginning and at their end.
func alike(a, b []byte) (before, after int) {
	least := min(len(a), len(b))
	for before < least && a[before] == b[before] {
		before++
	}
	for after < least && a[len(a)-1-after] == b[len(b)-1-after] {
		after++
	}
	return before, after
}

func FuzzSetField(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s), 0, "2026-01-02")
		f.Add([]byte(s), 1, "a\n\"b\"")
	}
	f.Fuzz(func(t *testing.T, data []byte, doc int, text string) {
		text = strings.ToValidUTF8(text, "?")
		set, err := manifest.SetField(data, doc, retryPath, text)
		if err == nil {
			if again, err := manifest.SetField(set, doc, retryPath, text); err != nil || !bytes.Equal(again, set) {
				t.Fatalf("not idempotent: %v\n%q\n%q", err, set, again)
			}
			docs, _ := manifest.Parse(set)
			if o := docs[doc].Object; o != nil && o.Annotations[v1alpha1.AnnotationRetriedAt] != text {
				t.Fatalf("annotation is %q", o.Annotations)
			}
			if removed, err := manifest.SetField(set, doc, retryPath, nil); err == nil {
				if docs, _ := manifest.Parse(removed); docs[doc].Object != nil && docs[doc].Object.Annotations[v1alpha1.AnnotationRetriedAt] != "" {
					t.Fatalf("not removed: %q", removed)
				}
			}
		}
		if out, err := manifest.SetField(data, doc, cancelPath, true); err == nil {
			if docs, _ := manifest.Parse(out); docs[doc].Object != nil && !docs[doc].Object.Spec.Cancel {
				t.Fatalf("not set: %q", out)
			}
		}
		if out, empty, err := manifest.RemoveDocument(data, doc); err == nil {
			before, _ := manifest.Parse(data)
			after, _ := manifest.Parse(out)
			if len(after) != len(before)-1 || empty != (len(after) == 0) {
				t.Fatalf("%d documents became %d", len(before), len(after))
			}
		}
		replaced(t, data, doc)
	})
}

// replaced puts an order in the place of a document: it must be read there, and the others as before.
func replaced(t *testing.T, data []byte, doc int) {
	t.Helper()
	out, err := manifest.ReplaceDocument(data, doc, []byte(flowFile))
	if err != nil {
		return
	}
	before, _ := manifest.Parse(data)
	after, _ := manifest.Parse(out)
	if len(after) != len(before) || after[doc].Object == nil {
		t.Fatalf("%q became %q", data, out)
	}
	for i := range before {
		if i != doc && !reflect.DeepEqual(before[i].Object, after[i].Object) {
			t.Fatalf("document %d: %+v became %+v", i, before[i].Object, after[i].Object)
		}
	}
}
