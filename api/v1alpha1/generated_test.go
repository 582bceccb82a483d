package v1alpha1_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// TestGeneratedFilesAreFresh generates deepcopy and CRD again and compares them with what is checked in.
func TestGeneratedFilesAreFresh(t *testing.T) {
	dir := t.TempDir()
	generate := exec.CommandContext(t.Context(), "go", "tool", "controller-gen", "object", "crd", "paths=.",
		"output:object:dir="+dir, "output:crd:dir="+dir)
	if out, err := generate.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", generate.Args, err, out)
	}
	for _, name := range []string{"zz_generated.deepcopy.go", "awo.archon.dev_workorders.yaml"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale; run make generate", name)
		}
	}
}

func TestCRDIsEmbedded(t *testing.T) {
	onDisk, err := os.ReadFile("awo.archon.dev_workorders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(onDisk, v1alpha1.CRD) {
		t.Error("the embedded CRD is another one")
	}
}
