package hack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// module is the path of the Go module.
const module = "github.com/agent-work-orders/awo"

// root is the top of the checkout, seen from this package.
const root = ".."

// goPackage is what go list tells about a package.
type goPackage struct {
	ImportPath   string
	Name         string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// short is the path of the package below the module, "." for its top.
func (p goPackage) short() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// command returns what a program prints, run at the top of the checkout.
func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	out, err := cmd.Output()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, exit.Stderr)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// packages lists the packages of the module. One that does not compile is listed as well.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out := command(t, "go", "list", "-e", "-json=ImportPath,Name,Imports,TestImports,XTestImports", "./...")
	decoder := json.NewDecoder(bytes.NewReader(out))
	var list []goPackage
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("cannot read what go list prints: %v", err)
		}
		list = append(list, p)
	}
}

// tracked lists the files that git tracks or would track, by their paths below the top of the checkout.
func tracked(t *testing.T) []string {
	t.Helper()
	out := command(t, "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	var files []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		t.Fatal("git knows no file of this checkout")
	}
	return files
}

// read returns the content of a file of the checkout.
func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// generatedMark is what Go agreed on for generated files: https://go.dev/s/generatedcode.
var generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// goFiles returns the hand-written Go files of the checkout with their content, testdata aside.
func goFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			continue
		}
		if data := read(t, name); !generatedMark.Match(data) {
			files[name] = data
		}
	}
	return files
}
