// Package git is a typed client of the git program: mirrors, workspaces, the collection of an agent's work, and
// the push.
//
// A workspace is a hostile repository. No git that this package starts reads a configuration, hook, attribute
// driver or fsmonitor that an agent could have written: staging, differences and bundles use the mirror, a
// repository of the controller's, as git directory, an index outside the workspace, and the workspace as mere work
// tree. An agent's own commits come by a fetch, after the workspace's .git was found to be a plain directory and
// its configuration was replaced by ours.
//
// A token reaches git by an inherited socket that only the credential helper reads, and only for one host.
package git
