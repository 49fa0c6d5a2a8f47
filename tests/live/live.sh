#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Compares ptm with live PyTorch: every model of the list, traced and scripted (and frozen,
# optimize_for_mobile'd for a few), by every Python named in PTM_PYTHONS (default: python3 and
# /usr/bin/python3 where they have torch). usage: tests/live/live.sh PTM [NAME...]
set -u
ptm=$1
shift
here=$(dirname "$0")
models=${*:-alexnet vgg11 resnet18 resnet50 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large \
squeezenet1_1 shufflenet_v2_x1_0 mnasnet1_0 efficientnet_b0 densenet121 googlenet inception_v3 \
regnet_y_400mf convnext_tiny swin_t vit_b_16 lraspp_mobilenet_v3_large_segmentation \
deeplabv3_mobilenet_v3_large_segmentation transformer_encoder lstm gru}
# of a convolutional network at least 95 % of the MACs are XNNPACK's
convolutional() {
    case $1 in swin* | vit* | transformer* | lstm | gru) return 1 ;; esac
    "$ptm" backends | grep -q '^xnnpack  *available'
}
share='import json, sys
rows = json.load(sys.stdin)["placement"]["backends"]
percent = {r["name"]: r["macs_percent"] for r in rows}
print("%.1f %% of the MACs are XNNPACK'"'"'s" % percent["xnnpack"])
sys.exit(percent["xnnpack"] < 95 or percent["ref"] > 0)'
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
passed=0 failed=0 skipped=0
seen=
for py in ${PTM_PYTHONS:-python3 /usr/bin/python3}; do
    version=$("$py" -c 'import torch; print(torch.__version__)' 2>/dev/null) || continue
    case " $seen " in *" $version "*) continue ;; esac
    seen="$seen $version"
    for name in $models; do
        kinds="traced scripted"
        case $name in mobilenet_v2 | resnet18) kinds="$kinds frozen mobile" ;; esac
        for kind in $kinds; do
            rm -f "$dir"/*
            if ! "$py" "$here/export.py" "$dir" "$name" "$kind" >"$dir/log" 2>&1; then
                echo "skip $version $name $kind: $(tail -n 1 "$dir/log")"
                skipped=$((skipped + 1))
                continue
            fi
            expect=
            for f in "$dir"/out*.npy; do expect="$expect --expect $f"; done
            if "$ptm" run "$dir/model.pt" --input "$dir/in0.npy" $expect >"$dir/log" 2>&1; then
                echo "ok   $version $name $kind: $(grep -m 1 -i 'expect\|diff' "$dir/log")"
                passed=$((passed + 1))
            else
                echo "FAIL $version $name $kind: $(tail -n 1 "$dir/log")"
                failed=$((failed + 1))
            fi
            convolutional "$name" || continue
            if "$ptm" inspect "$dir/model.pt" --input "$dir/in0.npy" --backend xnnpack \
                --passes default --json - | "$py" -c "$share" >"$dir/log" 2>&1; then
                passed=$((passed + 1))
            else
                echo "FAIL $version $name $kind: $(tail -n 1 "$dir/log")"
                failed=$((failed + 1))
            fi
        done
    done
done
[ -n "$seen" ] || echo "no PyTorch here: scripts/deps live installs Debian's"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
