//go:build docker

// Command peers is everything that the container under test speaks to: GitHub with git over HTTP, and the model. In
// the container's network it goes by their real names, so that the container is configured as its users do it. It
// serves all of them by TLS at port 443, and at port 9000 what tests want to know and to decide. Its certificates
// are /certificates/now.crt and /certificates/tomorrow.crt, each with its .key.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/agent-work-orders/awo/hack/scripted/githttp"
	"github.com/agent-work-orders/awo/hack/scripted/github"
	"github.com/agent-work-orders/awo/hack/scripted/model"
)

// The hosts that are served, beside api.github.com.
const (
	githubHost = "github.com"
	modelHost  = "api.anthropic.com"
)

// peers are the servers and what a test has decided about them.
type peers struct {
	github *github.Server
	git    *githttp.Server
	model  *model.Server

	mu sync.Mutex
	// script is what the model does, certificate the one that is shown.
	script, certificate string
	// gate is closed while the model answers at once; a new one holds it in Implementing.
	gate chan struct{}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p, err := newPeers(os.Getenv("PEERS_TOKEN"), os.Getenv("PEERS_KEY"))
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- p.serveTLS() }()
	go func() {
		control := &http.Server{Addr: ":9000", Handler: p.control(), ReadHeaderTimeout: 10 * time.Second}
		failed <- control.ListenAndServe()
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func newPeers(token, key string) (*peers, error) {
	p := &peers{script: "writes", certificate: "now", gate: make(chan struct{})}
	close(p.gate)
	var err error
	if p.git, err = githttp.NewHandler(githttp.Options{Root: "/tmp/git", Token: token}); err != nil {
		return nil, err
	}
	if p.github, err = github.New(github.Options{Token: token, Host: githubHost, Other: p.git, HeadSHA: p.headSHA}); err != nil {
		return nil, err
	}
	p.model, err = model.New(map[string]model.Script{
		"writes":  p.writes,
		"tests":   runsTests,
		"refuses": model.Turns(model.Fail(http.StatusUnauthorized)),
	})
	if err != nil {
		return nil, err
	}
	p.model.Admit(key)
	return p, nil
}

// serveTLS serves all hosts at one port.
func (p *peers) serveTLS() error {
	server := &http.Server{
		Addr: ":443", ReadHeaderTimeout: 10 * time.Second,
		Handler:   http.HandlerFunc(p.serve),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.shown},
	}
	return server.ListenAndServeTLS("", "")
}

// serve passes a request to the server that it is meant for.
func (p *peers) serve(w http.ResponseWriter, r *http.Request) {
	if r.Host != modelHost {
		p.github.ServeHTTP(w, r)
		return
	}
	p.mu.Lock()
	r.URL.Path = "/" + p.script + r.URL.Path
	p.mu.Unlock()
	p.model.ServeHTTP(w, r)
}

// shown reads the certificate that is shown now.
func (p *peers) shown(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	base := filepath.Join("/certificates", p.certificate)
	p.mu.Unlock()
	pair, err := tls.LoadX509KeyPair(base+".crt", base+".key")
	return &pair, err
}

func (p *peers) headSHA(owner, name, branch string) (string, bool) {
	sha := p.gitOut(owner+"/"+name, "rev-parse", "--verify", "--quiet", "refs/heads/"+branch)
	return sha, sha != ""
}

// gitOut asks git about a repository; errors give what there is.
func (p *peers) gitOut(repository string, args ...string) string {
	cmd := exec.Command("git", append([]string{"-c", "safe.directory=*", "--git-dir=" + p.git.Dir(repository+".git")}, args...)...) //nolint:noctx // it ends with the container
	out, _ := cmd.Output()
	return strings.TrimSpace(string(out))
}

// writes plans, writes a file and looks at it; in between it waits for the gate.
func (p *peers) writes(r *model.Request) model.Turn {
	switch {
	case !r.HasTool("Write"):
		return model.Say("1. Write hello.txt.")
	case !used(r, "Write"):
		return model.Call(model.Write("hello.txt", "hello\n"))
	case !used(r, "Bash"):
		p.mu.Lock()
		defer p.mu.Unlock()
		turn := model.Call(model.Bash("cat hello.txt"))
		turn.Hold = p.gate
		return turn
	}
	return model.Say("hello.txt greets.")
}

// used tells whether a tool was called in a conversation, whatever was said after an interruption.
func used(r *model.Request, tool string) bool {
	return slices.ContainsFunc(r.Messages, func(m model.Message) bool {
		return slices.ContainsFunc(m.Blocks, func(b model.Block) bool { return b.Type == "tool_use" && b.Name == tool })
	})
}

// runsTests runs the repository's own tests and commits what they say.
func runsTests(r *model.Request) model.Turn {
	switch {
	case !r.HasTool("Write"):
		return model.Say("1. Run the tests.")
	case r.Answers() == 0:
		return model.Call(model.Bash("node --test > result.txt 2>&1; cat result.txt"))
	}
	return model.Say("The tests pass.")
}
