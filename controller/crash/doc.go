// Package crash names the instants between two durable or outward steps, so that a test can kill the process at each of
// them and see that nothing is lost.
//
// In the product Here and At do nothing, and Error is nil. Built with the tag crashpoints the binary obeys two variables: AWO_CRASH_AT=NAME
// or NAME@N kills it (SIGKILL) when the point is passed for the Nth time; AWO_CRASH_TRACE=FILE appends the name of
// every point that is passed, as NAME@N. hack/e2e drives the matrix, and a test in hack sees to it that no durable
// step is without a point. In tests with that tag Inject makes operations on files fail: what a full or dying disk
// would do to each of them.
package crash
