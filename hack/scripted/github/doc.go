// Package github is a scripted GitHub for tests: it answers, from memory, the requests that the real gh sends to
// list, open and label pull requests. It is reached as an HTTP proxy, so that gh needs neither certificates nor an
// entry in a hosts file: GH_HOST=github.localhost and HTTP_PROXY=http://127.0.0.1:PORT, see Server.Environment.
//
// It refuses what GitHub refuses (wrong tokens, unknown repositories, second pull requests for a branch, branches
// that do not exist, bodies that are too long), in GitHub's words, and can be told to fail, to lag and to call back
// at the moment between a pull request's creation and its answer.
package github
