package hack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// durable are the calls that make something last, appear under its name, or go for good. Files alone are removed in
// many places where they are leftovers; what makes that last is the directory's sync.
var durable = map[string]bool{
	"Rename": true, "Renameat": true, "Renameat2": true, "Link": true, "Linkat": true, "Sync": true, "Fsync": true, "Fdatasync": true,
	"syncDir": true, "RemoveAll": true,
}

// withoutPoint are functions, each with its package, whose durable call has its points elsewhere, with the reason.
var withoutPoint = map[string]string{
	"controller/agent.removeAll":            "an agent's home is made ready again before every attempt",
	"controller/git.RemoveHalfMade":         "leftovers of a death, removed again by the next start",
	"controller/git.RemoveWorkspace":        "its callers have a point after it",
	"controller/git.clean":                  "reset, its only caller, is done again from the beginning",
	"controller/git.discard":                "a mirror that is not there, or half of one, is fetched again",
	"controller/git.make":                   "it works under a name that nobody uses; Checkout has points",
	"controller/git.makeWay":                "ownSettings, its only caller, is done again before every use of what it sets",
	"controller/git.ownSettings":            "what it removes is not used, and the fetch that follows has a point",
	"controller/git.removeTemporaryObjects": "leftovers of a death, removed again by the next start",
	"controller/git.reset":                  "a workspace that cannot be reset, as there is no repository, is made anew",
	"controller/phase.RemoveHome":           "done again until the record says that it was; that write has points",
	"controller/phase.RemoveTranscripts":    "done again until the record says that it was; that write has points",
	"controller/removal.Tree":               "its callers are looked at",
	"controller/removal.moveUp":             "a part of what Tree and Entry do, whose callers are looked at",
	"controller/store.rename":               "its callers have points on either side",
	"controller/store.renameExchange":       "swap and put, through which it is called, have a point on either side",
	"controller/store.renameOver":           "swap calls it between its points, where the file system knows no exchange",
	"controller/store.stageRun":             "Create, its only caller, has a point on either side",
	"controller/store.syncLate":             "what it makes durable at last has its points where it was written",
	"controller/store.sweep":                "leftovers of a death, removed again by the next start",
}

func TestEveryDurableStepHasACrashPoint(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range tracked(t) {
		if !strings.HasPrefix(name, "controller/") || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, f := range functionsOf(t, name) {
			makesDurable, hasPoint := calls(f.Body)
			function := path.Dir(name) + "." + f.Name.Name
			seen[function] = seen[function] || makesDurable
			if makesDurable && !hasPoint && withoutPoint[function] == "" {
				t.Errorf("%s: %s renames, syncs or removes and has no crash point: call crash.Here where a death must lose nothing", name, f.Name.Name)
			}
		}
	}
	for function := range withoutPoint {
		if !seen[function] {
			t.Errorf("%s does nothing durable, or is no more: it needs no exemption", function)
		}
	}
}

// functionsOf lists the functions of a file.
func functionsOf(t *testing.T, name string) []*ast.FuncDecl {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []*ast.FuncDecl
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
			out = append(out, f)
		}
	}
	return out
}

// calls tells whether a function makes something durable and whether it has a crash point.
func calls(body ast.Node) (makesDurable, hasPoint bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			makesDurable = makesDurable || durable[fun.Name]
		case *ast.SelectorExpr:
			pkg, _ := fun.X.(*ast.Ident)
			if pkg != nil && pkg.Name == "crash" {
				hasPoint = hasPoint || fun.Sel.Name == "Here" || fun.Sel.Name == "At"
			} else {
				makesDurable = makesDurable || durable[fun.Sel.Name] || pkg != nil && pkg.Name == "removal"
			}
		}
		return true
	})
	return makesDurable, hasPoint
}
