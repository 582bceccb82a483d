package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/agent-work-orders/awo/controller/git"
	"github.com/agent-work-orders/awo/hack/scripted/githttp"
)

// BenchmarkOrder is all the git work of an order on a small file repository, from the listing to the checked push.
func BenchmarkOrder(b *testing.B) {
	w := newWorld(b, githttp.Options{})
	sha, err := w.server.Create(b.Context(), "a.git", githttp.Commit{Files: map[string]string{"README.md": "1\n"}})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		order(b, w, w.workspace(w.server.Dir("a.git"), fmt.Sprintf("wo-%08x", n), sha))
	}
}

func order(b *testing.B, w *world, ws git.Workspace) {
	b.Helper()
	ctx := b.Context()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	_, err := w.client.ListRemote(ctx, ws.URL)
	check(err)
	check(w.client.Fetch(ctx, ws.URL, ws.ID, ws.BaseCommit))
	check(w.client.Checkout(ctx, ws))
	check(w.client.Reset(ctx, ws))
	check(os.WriteFile(filepath.Join(ws.Dir, "README.md"), []byte(ws.ID), 0o644))
	out, err := w.client.Collect(ctx, ws, "m")
	check(err)
	check(w.client.Push(ctx, ws, out.Head, ""))
}

// BenchmarkCheckoutAndCollect leaves out the remote.
func BenchmarkCheckoutAndCollect(b *testing.B) {
	w := newWorld(b, githttp.Options{})
	ws := w.create("a.git", map[string]string{"README.md": "1\n"})
	for b.Loop() {
		checkoutAndCollect(b, w, ws)
	}
}

func checkoutAndCollect(b *testing.B, w *world, ws git.Workspace) {
	b.Helper()
	if err := w.client.Checkout(b.Context(), ws); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ws.Dir, "README.md"), []byte("changed"), 0o644); err != nil {
		b.Fatal(err)
	}
	if _, err := w.client.Collect(b.Context(), ws, "m"); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLargeRepository is the first and each further order on a repository of 50,000 files.
func BenchmarkLargeRepository(b *testing.B) {
	files := map[string]string{"README.md": "1\n"}
	for i := range 50000 {
		files[fmt.Sprintf("dir%03d/sub%d/file%d.txt", i%500, i%7, i)] = fmt.Sprintf("content %d\n", i)
	}
	w := newWorld(b, githttp.Options{})
	sha, err := w.server.Create(b.Context(), "big.git", githttp.Commit{Files: files})
	if err != nil {
		b.Fatal(err)
	}
	ws := w.workspace(w.server.URL("big.git"), id, sha)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if err := os.RemoveAll(w.config.Mirrors); err != nil {
				b.Fatal(err)
			}
			w.start()
			b.StartTimer()
			if err := w.client.Fetch(b.Context(), ws.URL, ws.ID, sha); err != nil {
				b.Fatal(err)
			}
			checkoutAndCollect(b, w, ws)
		}
	})
	b.Run("further", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n++
			further := w.workspace(ws.URL, fmt.Sprintf("wo-%08x", n), sha)
			if err := w.client.Fetch(b.Context(), further.URL, further.ID, sha); err != nil {
				b.Fatal(err)
			}
			checkoutAndCollect(b, w, further)
		}
	})
	b.Run("collect", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.client.Collect(b.Context(), ws, "m"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("reset", func(b *testing.B) {
		for b.Loop() {
			if err := w.client.Reset(b.Context(), ws); err != nil {
				b.Fatal(err)
			}
		}
	})
}
