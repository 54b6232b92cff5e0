# SPDX-License-Identifier: EPL-2.0
# The container image for tests: built from the tree by podman, run beside a
# private PostgreSQL.  Source postgres.bash, world.bash and
# minimal_root.bash before.
#
#   container_reason            why podman cannot run here; prints nothing where it can
#   container_base              makes the image debian:CONTAINER_RELEASE-slim by debootstrap, unless it is there
#   container_build IMAGE [ARG …]
#                               builds deploy/container/Containerfile; ARGs are podman build's
#   container_run NAME [ARG …]  starts IMAGE_UNDER_TEST detached; ARGs are podman run's
#   container_end NAME          removes it
#   container PODMAN-ARG …      podman itself
#
# Containers share the host's network: a port is as free as the host's is.
# CONTAINER_ROOT (build/containers) keeps images between runs.  CONTAINER_RELEASE (bookworm) is the Debian below.

: "${CONTAINER_ROOT:=$WORLD_TOP/build/containers}" "${CONTAINER_RELEASE:=bookworm}"
CONTAINER_LIMITS=(--network=host --ulimit nofile=4096:4096 --ulimit nproc=4096:4096)

container()
{
	podman --storage-driver vfs --root "$CONTAINER_ROOT/root" --runroot "$CONTAINER_ROOT/run" \
		--runtime runc --cgroup-manager=cgroupfs "$@"
}

container_reason()
{
	local word

	for word in podman runc; do
		command -v "$word" >/dev/null || {
			echo "no $word"
			return
		}
	done
	word=$(minimal_root_reason)
	[ -z "$word" ] || {
		echo "$word"
		return
	}
	mkdir -p "$CONTAINER_ROOT"
	container info >/dev/null 2>&1 || echo "podman cannot run here"
}

# Where no registry can be asked for it, Debian's own tool makes it.
container_base()
{
	local archive

	! container image exists "debian:$CONTAINER_RELEASE-slim" || return 0
	archive=$(minimal_root_make "$CONTAINER_RELEASE") &&
		container import - "debian:$CONTAINER_RELEASE-slim" <"$archive" >/dev/null
}

container_build()
{
	local image=$1
	shift

	# Without layers: with the storage driver vfs each would be a copy of the whole image.
	container build -q --layers=false "${CONTAINER_LIMITS[@]}" --format docker -f "$WORLD_TOP/deploy/container/Containerfile" \
		--build-arg RELEASE="$CONTAINER_RELEASE" -t "$image" "$@" "$WORLD_TOP" >"$CONTAINER_ROOT/build.log" 2>&1 || {
		tail -n 40 "$CONTAINER_ROOT/build.log" >&2
		return 1
	}
}

container_run()
{
	local name=$1
	shift

	container run -d --name "$name" "${CONTAINER_LIMITS[@]}" "$@" "$IMAGE_UNDER_TEST" >/dev/null
}

container_end()
{
	container rm -f -t 0 "$1" >/dev/null 2>&1 || :
}
