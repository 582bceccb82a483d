package github

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// The states of a pull request, as GitHub names them.
const (
	Open   = "OPEN"
	Closed = "CLOSED"
	Merged = "MERGED"
)

// Repository is what the server knows of a repository.
type Repository struct {
	Owner, Name string
	// DefaultBranch is main when empty.
	DefaultBranch string
	// Labels that can be set, Users and Teams (slugs) that can be asked for a review.
	Labels, Users, Teams []string
}

// PullRequest is one pull request.
type PullRequest struct {
	// Owner and Name are the repository's. Number and URL are given by the server.
	Owner, Name string
	Number      int
	URL         string
	// State is OPEN, CLOSED or MERGED.
	State       string
	Title, Body string
	Head, Base  string
	// HeadSHA is frozen when the pull request is closed or merged; until then it follows the branch.
	HeadSHA string
	Draft   bool
	// CrossRepository says that the branch is one of a fork.
	CrossRepository   bool
	Labels, Reviewers []string
}

// repository is a Repository with its pull requests, oldest first. Guarded by Server.mu.
type repository struct {
	Repository
	id    string
	pulls []*PullRequest
}

// AddRepository makes a repository known, or replaces what is known about one without its pull requests.
func (s *Server) AddRepository(r Repository) {
	if r.DefaultBranch == "" {
		r.DefaultBranch = "main"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.find(r.Owner, r.Name); known != nil {
		known.Repository = r
		return
	}
	s.nextID++
	s.repos[key(r.Owner, r.Name)] = &repository{Repository: r, id: fmt.Sprintf("R_%d", s.nextID)}
}

// AddPullRequest adds one that somebody else opened. Number and URL are filled in, an empty State is OPEN. The
// repository must be known.
func (s *Server) AddPullRequest(p PullRequest) (PullRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.find(p.Owner, p.Name)
	if repo == nil {
		return PullRequest{}, fmt.Errorf("scripted github: no repository %s/%s", p.Owner, p.Name)
	}
	if p.State == "" {
		p.State = Open
	}
	return s.add(repo, p), nil
}

// ChangePullRequest lets a person edit, close or merge a pull request.
func (s *Server) ChangePullRequest(owner, name string, number int, change func(*PullRequest)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	pull := s.pull(owner, name, number)
	if pull == nil {
		return fmt.Errorf("scripted github: no pull request %s/%s#%d", owner, name, number)
	}
	pull.HeadSHA = s.head(pull)
	change(pull)
	return nil
}

// PullRequests returns all of a repository, oldest first.
func (s *Server) PullRequests(owner, name string) []PullRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.find(owner, name)
	if repo == nil {
		return nil
	}
	out := make([]PullRequest, 0, len(repo.pulls))
	for _, p := range repo.pulls {
		copied := *p
		copied.HeadSHA = s.head(p)
		copied.Labels, copied.Reviewers = slices.Clone(p.Labels), slices.Clone(p.Reviewers)
		out = append(out, copied)
	}
	return out
}

// add numbers and keeps a pull request.
func (s *Server) add(repo *repository, p PullRequest) PullRequest {
	p.Owner, p.Name = repo.Owner, repo.Name
	p.Number = len(repo.pulls) + 1
	p.URL = fmt.Sprintf("http://%s/%s/%s/pull/%d", s.options.Host, repo.Owner, repo.Name, p.Number)
	repo.pulls = append(repo.pulls, &p)
	return p
}

// head is the commit that a pull request stands at: the branch's while it is open.
func (s *Server) head(p *PullRequest) string {
	if p.State != Open || p.CrossRepository || p.HeadSHA != "" && s.options.HeadSHA == nil {
		return p.HeadSHA
	}
	if sha, ok := s.branch(p.Owner, p.Name, p.Head); ok {
		return sha
	}
	return p.HeadSHA
}

// branch looks a branch up.
func (s *Server) branch(owner, name, branch string) (string, bool) {
	if s.options.HeadSHA != nil {
		return s.options.HeadSHA(owner, name, branch)
	}
	return MadeUpSHA(branch), true
}

// MadeUpSHA is the commit of a branch on a server without HeadSHA.
func MadeUpSHA(branch string) string {
	sum := sha1.Sum([]byte(branch))
	return hex.EncodeToString(sum[:])
}

// find returns a repository, nil if it is not known. GitHub ignores case here.
func (s *Server) find(owner, name string) *repository { return s.repos[key(owner, name)] }

// byID returns the repository with a node id, nil if there is none.
func (s *Server) byID(id string) *repository {
	for _, repo := range s.repos {
		if repo.id == id {
			return repo
		}
	}
	return nil
}

// pull returns a pull request, nil if there is none.
func (s *Server) pull(owner, name string, number int) *PullRequest {
	repo := s.find(owner, name)
	if repo == nil || number < 1 || number > len(repo.pulls) {
		return nil
	}
	return repo.pulls[number-1]
}

// openFrom returns the open pull request of a branch into a base, nil if there is none.
func (r *repository) openFrom(head, base string) *PullRequest {
	for _, p := range r.pulls {
		if p.State == Open && !p.CrossRepository && p.Head == head && p.Base == base {
			return p
		}
	}
	return nil
}

func key(owner, name string) string { return strings.ToLower(owner + "/" + name) }
