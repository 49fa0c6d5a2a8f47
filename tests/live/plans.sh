#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Plans of real models (traced by Debian's PyTorch) on cpu and xnnpack against tests/live/plans.csv:
# steps, copies into another order of dims, values joined in place, bytes of the arena and their
# bound. PTM_UPDATE=1 writes the file. usage: B=build/release tests/live/plans.sh
set -u
here=$(dirname "$0")
check=${B:-build/release}/tests/unit/test_plan_bound
python=${PYTHON:-/usr/bin/python3}
models="mobilenet_v3_large shufflenet_v2_x1_0 efficientnet_b0 squeezenet1_1 densenet121 googlenet \
inception_v3 deeplabv3_mobilenet_v3_large_segmentation convnext_tiny swin_t vit_b_16 lstm"
version=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null)
case $version in
1.13.*) ;;
*) echo "skip: the file has the plans of PyTorch 1.13's traces, this is ${version:-none}"
   echo '0 passed, 0 failed, 1 skipped'; exit 0 ;;
esac
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
set --
for name in $models; do
    mkdir "$dir/$name"
    "$python" "$here/export.py" "$dir/$name" "$name" traced >"$dir/log" 2>&1 ||
        "$python" "$here/export.py" "$dir/$name" "$name" scripted >"$dir/log" 2>&1 ||
        { tail -n 1 "$dir/log"; continue; }
    set -- "$@" "$name" "$dir/$name/model.pt --input $dir/$name/in0.npy"
done
"$check" "$here/plans.csv" "$@"
