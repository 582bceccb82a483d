package hack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// durable are the calls that make something last, or appear under its name.
var durable = map[string]bool{"Rename": true, "Renameat2": true, "Sync": true, "Link": true}

// withoutPoint are functions whose durable call has its points elsewhere, with the reason.
var withoutPoint = map[string]string{
	"renameExchange": "swap, its only caller, has a point on either side",
	"rename":         "its callers have points on either side",
	"renameOver":     "swap calls it between its points, where the file system knows no exchange",
}

func TestEveryDurableStepHasACrashPoint(t *testing.T) {
	found := 0
	for _, name := range tracked(t) {
		if !strings.HasPrefix(name, "controller/") || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil || withoutPoint[f.Name.Name] != "" {
				continue
			}
			if makesDurable, hasPoint := calls(f.Body); makesDurable {
				found++
				if !hasPoint {
					t.Errorf("%s: %s renames or syncs and has no crash point: call crash.Here where a death must lose nothing", name, f.Name.Name)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d durable steps were found; the test looks for the wrong thing", found)
	}
}

// calls tells whether a function makes something durable and whether it has a crash point.
func calls(body ast.Node) (makesDurable, hasPoint bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, _ := sel.X.(*ast.Ident)
		switch {
		case pkg != nil && pkg.Name == "crash":
			hasPoint = true
		case durable[sel.Sel.Name]:
			makesDurable = true
		}
		return true
	})
	return makesDurable, hasPoint
}
