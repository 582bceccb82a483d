package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agent-work-orders/awo/controller/store"
	"github.com/agent-work-orders/awo/controller/volume"
)

// checkDataDir looks at the volume, who may read it, who works on it and what is wrong with its manifests.
func (d *doctor) checkDataDir(ctx context.Context) []finding {
	const check = "data directory"
	layout, err := volume.Find(d.dataDir)
	if err != nil {
		return []finding{volumeFinding(err)}
	}
	info, err := os.Stat(layout.Root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []finding{checkCreatable(layout)}
	case err == nil && !info.IsDir():
		err = &fs.PathError{Op: "use", Path: layout.Root, Err: unix.ENOTDIR}
	case err == nil:
		err = volume.Inspect(layout)
	}
	if err != nil {
		return []finding{volumeFinding(volume.Explain(layout, err))}
	}
	findings := []finding{{check, verdictOK, layout.Root, ""}}
	if passing := volume.Passing(layout); passing != "" {
		findings = []finding{{check, verdictWarn, passing, ""}}
	}
	findings = append(findings, checkAccess(layout)...)
	findings = append(findings, d.checkController(layout))
	findings = append(findings, d.checkHealth(ctx, layout)...)
	return append(findings, d.checkManifests(ctx)...)
}

// checkCreatable tells whether a data directory that is missing can be made.
func checkCreatable(layout store.Layout) finding {
	parent := layout.Root
	for !exists(parent) {
		parent = filepath.Dir(parent)
	}
	if err := unix.Access(parent, unix.W_OK|unix.X_OK); err != nil {
		return volumeFinding(volume.Explain(layout, &fs.PathError{Op: "mkdir", Path: layout.Root, Err: err}))
	}
	return finding{"data directory", verdictWarn, layout.Root + " does not exist", "the first `awo controller` or `awo apply` makes it"}
}

// volumeFinding says what is wrong with the data directory in the words that the controller has for it.
func volumeFinding(err error) finding {
	const check = "data directory"
	if known, ok := errors.AsType[*volume.Error](err); ok {
		return finding{check, verdictFail, known.Facts, known.Advice}
	}
	return finding{check, verdictFail, err.Error(), "name another one with --data-dir or AWO_DATA_DIR"}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// checkAccess looks at the permissions inside the volume.
func checkAccess(layout store.Layout) []finding {
	const check = "permissions"
	var findings []finding
	for _, dir := range []string{layout.Outputs(), layout.AgentHomes(), layout.Logs()} {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			findings = append(findings, finding{check, verdictWarn, fmt.Sprintf("%s can be read by others (%s)", dir, info.Mode().Perm()),
				"chmod 700 " + dir})
		}
	}
	if len(findings) == 0 {
		findings = []finding{{check, verdictOK, "closed to others where they must be", ""}}
	}
	return findings
}

// checkController tells whether a controller works on the data directory.
func (d *doctor) checkController(layout store.Layout) finding {
	const check, advice = "controller", "start it with `awo controller`"
	by, held := store.Holder(layout)
	text := fmt.Sprintf("pid %d on %s since %s", by.PID, by.Host, by.Since.Format(time.RFC3339))
	switch {
	case held:
		return finding{check, verdictOK, "running as " + text, ""}
	case by.PID == 0:
		return finding{check, verdictWarn, "not running", advice}
	}
	return finding{check, verdictWarn, "not running any more: it was " + text, advice}
}

// isEmpty tells whether a directory is there and nothing is in it, as in a fresh volume.
func isEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// checkManifests counts what cannot be read.
func (d *doctor) checkManifests(ctx context.Context) []finding {
	const check = "manifests"
	if dir, err := d.absoluteDataDir(); err == nil && isEmpty(dir) {
		return []finding{{check, verdictOK, "none yet; the first `awo controller` or `awo apply` makes the directory for them", ""}}
	}
	s, err := d.openStore(ctx)
	if err != nil {
		return []finding{{check, verdictFail, err.Error(), ""}}
	}
	var findings []finding
	if err := s.Ready(); err != nil {
		findings = append(findings, finding{check, verdictWarn, err.Error(), ""})
	}
	for _, problem := range s.Problems() {
		findings = append(findings, finding{check, verdictWarn, problemLine(problem), ""})
	}
	if len(findings) == 0 {
		findings = []finding{{check, verdictOK, strconv.Itoa(len(s.Names())) + " orders", ""}}
	}
	if ignored := s.Ignored(); len(ignored) > 0 {
		findings = append(findings, finding{check, verdictOK, "ignored, being no .yaml, .yml or .json, or a link to a folder elsewhere: " + someOf(ignored), ""})
	}
	return findings
}

// someOf names the first ten of a list.
func someOf(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
