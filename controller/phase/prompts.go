package phase

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"text/template"

	"github.com/agent-work-orders/awo/controller/store"
)

//go:embed prompts/*.md
var embedded embed.FS

// The names of the templates, in the binary and in the directory that replaces them.
const (
	planningTemplate     = "planning.md"
	implementingTemplate = "implementing.md"
	continueTemplate     = "continue.md"
)

// maxTemplate bounds a template file, in bytes.
const maxTemplate = 1 << 20

// PromptData is what a template can name: {{.Name}} and so on. Values are inserted once and never read as
// template text, so a request may hold braces, dollar signs and backticks.
type PromptData struct {
	// Name of the order, ID of its run, Repository URL, Branch to be pushed, BaseBranch it starts from.
	Name, ID, Repository, Branch, BaseBranch string
	// Request as written; Plan as planned, empty without Planning.
	Request, Plan string
}

// Prompts makes the agents' prompts from templates that are read anew for each one. A template that cannot be
// used is passed over for the last good one, and Problem says so.
type Prompts struct {
	dir string

	mu       sync.Mutex
	good     map[string]*template.Template
	problems map[string]error
}

// LoadPrompts reads the templates: the embedded ones, and those of dir (planning.md, implementing.md,
// continue.md; none need be there) in their place. A broken one is an error that names its file.
func LoadPrompts(dir string) (*Prompts, error) {
	p := &Prompts{dir: dir, good: map[string]*template.Template{}, problems: map[string]error{}}
	for _, name := range []string{planningTemplate, implementingTemplate, continueTemplate} {
		text, err := embedded.ReadFile("prompts/" + name)
		if err != nil {
			return nil, err
		}
		if p.good[name], err = parse(name, string(text)); err != nil {
			return nil, err
		}
		if err := p.reload(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Planning returns the prompt of Planning.
func (p *Prompts) Planning(d PromptData) ([]byte, error) { return p.render(planningTemplate, d) }

// Implementing returns the prompt of Implementing.
func (p *Prompts) Implementing(d PromptData) ([]byte, error) {
	return p.render(implementingTemplate, d)
}

// Continue returns the prompt that resumes an interrupted session.
func (p *Prompts) Continue(d PromptData) ([]byte, error) { return p.render(continueTemplate, d) }

// Problem says which replaced templates are passed over and why; nil if all are used.
func (p *Prompts) Problem() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.problems[planningTemplate], p.problems[implementingTemplate], p.problems[continueTemplate])
}

func (p *Prompts) render(name string, d PromptData) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems[name] = p.reload(name)
	var out bytes.Buffer
	if err := p.good[name].Execute(&out, d); err != nil {
		return nil, fmt.Errorf("filling the prompt template %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// reload takes the directory's template, where there is one.
func (p *Prompts) reload(name string) error {
	if p.dir == "" {
		return nil
	}
	file := filepath.Join(p.dir, name)
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p.useEmbedded(name)
	}
	if err != nil {
		return fmt.Errorf("prompt template %s: %w", file, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("prompt template %s: it is no regular file", file)
	}
	if info.Size() > maxTemplate {
		return fmt.Errorf("prompt template %s: %d bytes are more than the %d allowed", file, info.Size(), maxTemplate)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("prompt template %s: %w", file, err)
	}
	t, err := parse(name, string(text))
	if err != nil {
		return fmt.Errorf("prompt template %s: %w; it may name .Name .ID .Repository .Branch .BaseBranch .Request .Plan", file, err)
	}
	p.good[name] = t
	return nil
}

func (p *Prompts) useEmbedded(name string) error {
	text, err := embedded.ReadFile("prompts/" + name)
	if err != nil {
		return err
	}
	p.good[name], err = parse(name, string(text))
	return err
}

// parse also fills the template, with a plan and without, so that an unknown name is found now and not during a run.
func parse(name, text string) (*template.Template, error) {
	t, err := template.New(name).Parse(text)
	if err != nil {
		return nil, err
	}
	for _, plan := range []string{"p", ""} {
		var out bytes.Buffer
		sample := PromptData{Name: "n", ID: "i", Repository: "r", Branch: "b", BaseBranch: "m", Request: "q", Plan: plan}
		if err := t.Execute(&out, sample); err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(out.Bytes())) == 0 {
			return nil, errors.New("it is empty")
		}
	}
	return t, nil
}

func promptData(rec *store.Record, plan string) PromptData {
	return PromptData{
		Name: rec.Name, ID: rec.ID, Repository: rec.Spec.Repository.URL,
		Branch: rec.Status.Branch, BaseBranch: rec.Status.BaseBranch,
		Request: rec.Spec.Request, Plan: plan,
	}
}
