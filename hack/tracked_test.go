package hack_test

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// registryHosts are the hosts of package registries. Where a machine gets its packages from is the business of
// that machine, so no file of the checkout names one. (Put together here, so that this file does not either.)
func registryHosts() []string {
	hosts := []string{
		"proxy.golang ORG", "sum.golang ORG", "goproxy IO", "goproxy CN", "registry.npmjs ORG", "registry.yarnpkg COM",
		"registry.npmmirror COM", "deb.debian ORG", "security.debian ORG", "archive.ubuntu COM", "deb.nodesource COM",
		"pypi ORG", "files.pythonhosted ORG",
	}
	for i, host := range hosts {
		hosts[i] = strings.ToLower(strings.Replace(host, " ", ".", 1))
	}
	return hosts
}

// usualPlaces lie at the top of every machine; their names say nothing about this one.
var usualPlaces = map[string]bool{
	"/": true, "/root": true, "/tmp": true, "/home": true, "/opt": true, "/srv": true, "/usr": true, "/var": true, "/mnt": true, "/src": true,
}

// machinePaths are places that exist only on the machine of whoever runs this.
func machinePaths(t *testing.T) []string {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{top, strings.TrimSpace(string(command(t, "go", "env", "GOMODCACHE")))}
	if parent := filepath.Dir(top); !usualPlaces[parent] {
		paths = append(paths, parent+"/")
	}
	if home, err := os.UserHomeDir(); err == nil && !usualPlaces[home] {
		paths = append(paths, strings.TrimSuffix(home, "/")+"/")
	}
	return paths
}

func TestNoFileNamesThisMachine(t *testing.T) {
	forbidden := append(registryHosts(), machinePaths(t)...)
	for _, name := range tracked(t) {
		content := read(t, name)
		for _, text := range forbidden {
			if before, _, found := bytes.Cut(content, []byte(text)); found {
				t.Errorf("%s:%d names %s", name, 1+bytes.Count(before, []byte("\n")), text)
			}
		}
	}
}

func TestScriptsCanBeRun(t *testing.T) {
	for _, name := range tracked(t) {
		if !bytes.HasPrefix(read(t, name), []byte("#!")) || strings.Contains(name, "testdata/") {
			continue
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o111 == 0 {
			t.Errorf("%s is a script, but not executable", name)
		}
	}
}

// The schema and the deepcopy functions are made from the types; a change of the types without them is a mistake.
func TestGeneratedFilesAreFresh(t *testing.T) {
	g := NewWithT(t)
	fresh := t.TempDir()
	command(t, "hack/generate.sh", fresh)
	names, err := os.ReadDir(fresh)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(names).To(HaveLen(2), "the schema and the deepcopy functions")
	for _, entry := range names {
		want, err := os.ReadFile(filepath.Join(fresh, entry.Name()))
		g.Expect(err).NotTo(HaveOccurred())
		got := read(t, path.Join("api/v1alpha1", entry.Name()))
		g.Expect(string(got)).To(Equal(string(want)), "%s is stale: make generate", entry.Name())
	}
}
