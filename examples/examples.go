// Package examples holds manifests to start from, and those that the awo command carries with it.
package examples

import _ "embed" // for the files below

// DemoManifest is demo.yaml, the order that `awo demo` drops. Its spec.repository.url is replaced by the path of
// the repository that the demo makes.
//
//go:embed demo.yaml
var DemoManifest []byte

// DemoAgent is demo-agent.sh, the program that the order of the demo runs. The demo puts it into its repository
// as ./demo-agent.sh, executable.
//
//go:embed demo-agent.sh
var DemoAgent []byte
