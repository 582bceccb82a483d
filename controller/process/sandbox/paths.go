package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/agent-work-orders/awo/controller/process/environ"
)

// system are the directories of programs, libraries and their settings.
func system() []string {
	libraries, _ := filepath.Glob("/lib*")
	return slices.Concat([]string{"/usr", "/bin", "/sbin", "/etc", "/opt", "/nix"}, libraries)
}

// kernel is what runtimes read of the machine: how many CPUs and how much memory there are. Of other processes /proc
// shows what ps shows; their environment and memory are closed by the rules for tracing.
var kernel = []string{"/proc", "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup"}

var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}

// linked are files of /etc that may be links to elsewhere, and without which no name is resolved.
var linked = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime", "/etc/ssl/certs/ca-certificates.crt"}

// certificates are variables that pass to agents and name files that they have to read.
var certificates = []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"}

// common is granted to every program.
func (p *Policy) common() []grant {
	var out []grant
	for _, dir := range system() {
		if dir == "/etc" && p.options.Root {
			out = append(out, p.settings.grants(p.options.Now(), func() []grant { return p.public(dir) })...)
			continue
		}
		out = append(out, p.around(realPath(dir))...)
	}
	for _, dir := range filepath.SplitList(environ.Get(p.options.Environ, "PATH")) {
		if filepath.IsAbs(dir) && !p.holdsHome(realPath(dir)) {
			out = append(out, p.around(realPath(dir))...)
			out = append(out, p.library(realPath(dir))...)
		}
	}
	files := slices.Concat(kernel, linked)
	for _, name := range certificates {
		files = append(files, environ.Get(p.options.Environ, name))
	}
	for _, path := range files {
		if filepath.IsAbs(path) && !p.isClosed(realPath(path)) {
			out = append(out, grant{path: realPath(path), access: read})
		}
	}
	for _, path := range devices {
		out = append(out, grant{path: path, access: device})
	}
	for _, path := range p.options.Public {
		out = append(out, grant{path: path, access: read})
	}
	for _, path := range p.options.Read {
		out = append(out, p.around(realPath(path))...)
	}
	for _, path := range p.options.Write {
		out = append(out, grant{path: realPath(path), access: write | device})
	}
	return unique(out)
}

// library grants the directory lib beside a directory bin, such as that of a Node.js in a home: programs there are
// links into it.
func (p *Policy) library(dir string) []grant {
	prefix := filepath.Dir(dir)
	if filepath.Base(dir) != "bin" || p.holdsHome(prefix) {
		return nil
	}
	return p.around(realPath(filepath.Join(prefix, "lib")))
}

// program grants the directory of a program, for what lies beside it, and that of the package it belongs to. In a home
// there is more beside a program than is its own, so there it is the file alone.
func (p *Policy) program(path string) []grant {
	if !filepath.IsAbs(path) {
		return nil
	}
	file := realPath(path)
	dir := filepath.Dir(file)
	if p.holdsHome(dir) {
		if p.isClosed(file) {
			return nil
		}
		return []grant{{path: file, access: read}}
	}
	return p.around(packageOf(dir))
}

// packageOf returns the npm package that a directory belongs to, or the directory.
func packageOf(dir string) string {
	for at := dir; at != "/"; at = filepath.Dir(at) {
		above := filepath.Dir(at)
		module := filepath.Base(above) == "node_modules" || filepath.Base(filepath.Dir(above)) == "node_modules"
		if _, err := os.Stat(filepath.Join(at, "package.json")); err == nil && module {
			return at
		}
	}
	return dir
}

// holdsHome tells whether a directory is the home of this user, or holds it.
func (p *Policy) holdsHome(dir string) bool { return p.options.holdsHome(dir) }

func (o Options) holdsHome(dir string) bool {
	home := environ.Get(o.Environ, "HOME")
	return dir == "/" || filepath.IsAbs(home) && below(realPath(home), dir)
}

// isClosed tells whether a path lies in one that is closed, or is another name of a secret file.
func (p *Policy) isClosed(path string) bool {
	return p.named(path) || slices.ContainsFunc(p.closed, func(c string) bool { return below(path, c) })
}

// around grants a directory but for what is closed in it. Where something is, its entries are granted one by one, and it
// cannot itself be listed: a right to list would hold for all that lies below. Links are not followed, since what they
// lead to is granted where it lies, or not.
func (p *Policy) around(path string) []grant {
	return around(path, slices.Concat(p.closed, p.names(path)))
}

func around(path string, closed []string) []grant {
	if slices.ContainsFunc(closed, func(c string) bool { return below(path, c) }) {
		return nil
	}
	if !slices.ContainsFunc(closed, func(c string) bool { return below(c, path) }) {
		return []grant{{path: path, access: read}}
	}
	var out []grant
	for _, e := range entries(path) {
		if e.Type()&fs.ModeSymlink == 0 {
			out = append(out, around(filepath.Join(path, e.Name()), closed)...)
		}
	}
	return out
}

// rememberFor is how long is relied on what a walk has found: it takes longer than all the rest of a start.
const rememberFor = time.Minute

// remembered keeps the grants that a walk has found. They are paths, so what is replaced meanwhile is found under its
// name.
type remembered struct {
	mu    sync.Mutex
	found []grant
	until time.Time
}

func (r *remembered) grants(now time.Time, walk func() []grant) []grant {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(r.until) {
		r.found, r.until = walk(), now.Add(rememberFor)
	}
	return r.found
}

// public grants what everybody may read, for root, whom modes do not stop: passwords and keys of the machine stay
// closed.
func (p *Policy) public(dir string) []grant {
	grants, _ := p.publicTree(realPath(dir))
	return grants
}

// publicTree also tells whether all below the path is public, which is then one grant.
func (p *Policy) publicTree(path string) (grants []grant, whole bool) {
	info, err := os.Lstat(path)
	if err != nil || p.isClosed(path) {
		return nil, false
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, true
	}
	const othersRead, othersSearch = 0o004, 0o001
	mode := info.Mode().Perm()
	if mode&othersRead == 0 || info.IsDir() && mode&othersSearch == 0 {
		return nil, false
	}
	whole = true
	if info.IsDir() {
		for _, e := range entries(path) {
			below, all := p.publicTree(filepath.Join(path, e.Name()))
			grants, whole = append(grants, below...), whole && all
		}
	}
	if whole {
		grants = []grant{{path: path, access: read}}
	}
	return grants, whole
}

// entries lists a directory; one that cannot be read has none for an agent either.
func entries(dir string) []fs.DirEntry {
	found, _ := os.ReadDir(dir)
	return found
}

// unique leaves out what another grant covers.
func unique(grants []grant) []grant {
	whole := map[string]bool{}
	for _, g := range grants {
		if g.access == read {
			whole[g.path] = true
		}
	}
	seen := map[grant]bool{}
	return slices.DeleteFunc(grants, func(g grant) bool {
		again := seen[g]
		seen[g] = true
		return again || g.access == read && covered(whole, g.path)
	})
}

// covered tells whether a directory above the path is granted.
func covered(whole map[string]bool, path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if whole[dir] {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}
