// Package hack holds what the people who work on this project use: scripts, tools in Go, and the tests that keep
// the checkout as it is meant to be (layout, sizes, imports, documents).
package hack
