#!/bin/sh
# The agent of examples/demo.yaml: a stand-in for a coding agent that needs no key. Like every agent of type
# `command` it is started in the work tree, finds its task on stdin and the phase in AWO_PHASE, and what it prints
# is its report.
set -eu

task=$(cat)
[ -n "$task" ] || { echo "demo-agent: no task on stdin" >&2; exit 2; }

plan() {
  cat <<'PLAN'
1. greet.sh: take the name from the first argument; without one greet the world, as before.
2. README.md: show both ways to call it.
3. Run both to see that they work.
PLAN
}

implement() {
  cat > greet.sh <<'SCRIPT'
#!/bin/sh
# Greets the person named by the first argument, or the world.
echo "Hello, ${1:-world}!"
SCRIPT
  chmod +x greet.sh

  cat > README.md <<'TEXT'
# Greeter

    ./greet.sh          # Hello, world!
    ./greet.sh Ada      # Hello, Ada!
TEXT

  [ "$(./greet.sh)" = "Hello, world!" ]
  [ "$(./greet.sh Ada)" = "Hello, Ada!" ]

  echo "greet.sh greets the person whom its first argument names, and still the world without one."
  echo "README.md shows both. Both calls were run and printed what README.md says."
}

case "${AWO_PHASE:-}" in
  Planning) plan ;;
  Implementing) implement ;;
  *) echo "demo-agent: nothing to do in phase '${AWO_PHASE:-}'" >&2; exit 2 ;;
esac
