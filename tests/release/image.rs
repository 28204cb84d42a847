//! The image index.

use std::fs;

use crate::common::{Directory, engine};
use crate::{ARCHITECTURES, VERSION, architectures, same, sh};

#[test]
fn the_image_index_has_every_architecture_with_rinit_alone() {
    let raw = sh("skopeo inspect --raw oci-archive:dist/rinit-oci.tar");
    assert!(raw.contains("image.index.v1+json"), "{raw}");
    let copy = Directory::new("oci");
    for architecture in architectures() {
        let (processor, variant) = architecture
            .oci
            .split_once('/')
            .unwrap_or((architecture.oci, ""));
        let files = sh(format!(
            "cd {copy}
            skopeo --override-os linux --override-arch {processor} --override-variant '{variant}' \
                --insecure-policy copy --quiet oci-archive:$OLDPWD/dist/rinit-oci.tar oci:layout:{name}
            umoci unpack --image layout:{name} {name}
            find {name}/rootfs -type f",
            copy = copy.path().display(),
            name = architecture.name,
        ));
        let file = format!("{}/rootfs/sbin/rinit", architecture.name);
        assert_eq!(files, format!("{file}\n"));
        assert!(
            same(copy.path().join(file), architecture.binary()),
            "{}",
            architecture.name
        );
    }
}

#[test]
fn docker_loads_the_image_and_others_copy_from_it() {
    let debian = engine::debian().expect("an image of Debian");
    let image = format!("rinit:{VERSION}-amd64");
    let context = Directory::new("docker");
    let dockerfile = format!(
        "FROM {debian}
        COPY --from={image} /sbin/rinit /sbin/rinit
        ENTRYPOINT [\"/sbin/rinit\", \"--\"]
        CMD [\"sh\", \"-c\", \"exit 7\"]\n"
    );
    fs::write(context.path().join("Dockerfile"), dockerfile).expect("a file");
    let said = sh(format!(
        "loaded=$(docker load --input dist/rinit-oci.tar | sed 's/^Loaded image: //')
        docker run --rm {image} --version
        built=$(docker build --quiet {})
        docker run --rm $built || echo status $?
        docker rmi $built $loaded >/dev/null",
        context.path().display()
    ));
    let (version, status) = said.split_once('\n').expect("two lines");
    assert!(version.starts_with("rinit "), "{version}");
    assert_eq!(status, "status 7\n");
}

#[test]
fn podman_pulls_the_image_and_others_copy_from_it() {
    let context = Directory::new("podman");
    let here = context.path().display();
    let pulled = sh("podman pull --quiet oci-archive:dist/rinit-oci.tar");
    let dockerfile = format!(
        "FROM scratch\nCOPY --from={} /sbin/rinit /copied\n",
        pulled.trim()
    );
    fs::write(context.path().join("Dockerfile"), dockerfile).expect("a file");
    sh(format!(
        "built=$(podman build --quiet {here})
        made=$(podman create $built /copied)
        podman cp $made:/copied {here}
        podman rm $made
        podman rmi $built {}",
        pulled.trim()
    ));
    assert!(same(
        context.path().join("copied"),
        ARCHITECTURES[0].binary()
    ));
}
