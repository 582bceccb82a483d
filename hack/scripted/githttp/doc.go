// Package githttp is a git server for tests: the real `git http-backend`, run as CGI on a free port of 127.0.0.1,
// serving the bare repositories below a directory. It can require a token as GitHub does (user x-access-token),
// speak TLS with a certificate of its own, keep a log of what was asked, and be told to delay or fail requests.
//
//	s, err := githttp.New(githttp.Options{Root: dir, Token: "secret"})
//	defer s.Close()
//	sha, err := s.Create(ctx, "acme/app.git", githttp.Commit{Files: map[string]string{"README.md": "hello\n"}})
//	url := s.URL("acme/app.git")
package githttp
