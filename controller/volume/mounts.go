package volume

import (
	"path/filepath"
	"regexp"
	"strings"
)

// dockerVolume is how the root of a Docker or Podman volume's mount looks, seen from the host's file system.
var dockerVolume = regexp.MustCompile(`/volumes/([^/]+)/_data(?:/|$)`)

// mountOf finds what is mounted where a path lies, in the text of /proc/self/mountinfo (proc(5)).
func mountOf(mountinfo, path string) mount {
	found := mount{Point: "/"}
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		root, point := unescape(fields[3]), unescape(fields[4])
		// Of two on one point the later one covers the other.
		if !below(path, point) || len(point) < len(found.Point) {
			continue
		}
		found = mount{Point: filepath.Clean(point)}
		if m := dockerVolume.FindStringSubmatch(root); m != nil {
			found.Volume = m[1]
		}
	}
	return found
}

// unescape undoes how the kernel writes white space and backslashes.
func unescape(field string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(field)
}
