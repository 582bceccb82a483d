package hack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

const workorderDoc = "docs/workorder.md"

// ours tells a struct of the API from one of Kubernetes, whose own documents say what is in it.
func ours(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && strings.HasPrefix(t.PkgPath(), module+"/api")
}

// fieldPaths lists the JSON paths of all fields of a type that hold no further fields of ours.
func fieldPaths(prefix string, t reflect.Type) []string {
	switch {
	case t.Kind() == reflect.Pointer:
		return fieldPaths(prefix, t.Elem())
	case t.Kind() == reflect.Slice && ours(t.Elem()):
		return append([]string{prefix}, fieldPaths(prefix+"[]", t.Elem())...)
	case !ours(t):
		return []string{prefix}
	}
	var paths []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		paths = append(paths, fieldPaths(prefix+"."+name, f.Type)...)
	}
	return paths
}

// constants returns the string constants of the API whose names begin with a prefix.
func constants(t *testing.T, prefix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "api", "v1alpha1", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, isValue := n.(*ast.ValueSpec)
			if !isValue || !strings.HasPrefix(spec.Names[0].Name, prefix) || len(spec.Values) != 1 {
				return true
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				if value, err := strconv.Unquote(literal.Value); err == nil {
					values = append(values, value)
				}
			}
			return true
		})
	}
	return values
}

func TestEveryFieldIsDescribed(t *testing.T) {
	doc := string(read(t, workorderDoc))
	paths := append(fieldPaths("spec", reflect.TypeFor[v1alpha1.WorkOrderSpec]()),
		fieldPaths("status", reflect.TypeFor[v1alpha1.WorkOrderStatus]())...)
	NewWithT(t).Expect(paths).To(ContainElements("spec.repository.url", "status.steps[].sessionID", "spec.agent.maxBudgetUSD"))
	for _, path := range paths {
		if !strings.Contains(doc, "`"+path+"`") {
			t.Errorf("%s does not describe `%s`", workorderDoc, path)
		}
	}
}

func TestEveryConstantIsDescribed(t *testing.T) {
	g := NewWithT(t)
	doc := string(read(t, workorderDoc))
	for prefix, one := range map[string]string{
		"Reason": "NoChanges", "Condition": "PullRequestOpened", "Annotation": v1alpha1.AnnotationRetriedAt,
		"Phase": "Implementing", "Step": "Interrupted", "Clone": "Shared", "Agent": "command",
	} {
		values := constants(t, prefix)
		g.Expect(values).To(ContainElement(one), prefix)
		for _, value := range values {
			if !strings.Contains(doc, "`"+value+"`") {
				t.Errorf("%s does not describe the %s `%s`", workorderDoc, strings.ToLower(prefix), value)
			}
		}
	}
}

// A field that the document describes but nobody built is a promise that is not kept.
func TestNoFieldIsInvented(t *testing.T) {
	known := map[string]bool{}
	for _, path := range append(fieldPaths("spec", reflect.TypeFor[v1alpha1.WorkOrderSpec]()),
		fieldPaths("status", reflect.TypeFor[v1alpha1.WorkOrderStatus]())...) {
		known[path] = true
		for at := strings.LastIndexByte(path, '.'); at > 0; at = strings.LastIndexByte(path[:at], '.') {
			known[strings.TrimSuffix(path[:at], "[]")] = true
		}
	}
	for quoted := range strings.SplitSeq(string(read(t, workorderDoc)), "`") {
		path, _, _ := strings.Cut(quoted, ":")
		isPath := strings.HasPrefix(path, "spec.") || strings.HasPrefix(path, "status.")
		if isPath && !strings.ContainsAny(path, " \n") && !known[path] {
			t.Errorf("%s speaks of `%s`, which there is not", workorderDoc, path)
		}
	}
}

// A link to a file of the checkout leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".md" || strings.Contains(name, "testdata/") {
			continue
		}
		for _, part := range strings.Split(string(read(t, name)), "](")[1:] {
			link, _, _ := strings.Cut(part, ")")
			link, _, _ = strings.Cut(link, "#")
			if link == "" || strings.Contains(link, ":") || strings.ContainsAny(link, " \n`") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), link)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, link)
			}
		}
	}
}
