#!/usr/bin/env bash
# bench/toy.sh [KAIROS [FOLDER]]: the one-dimensional experiments of bench/results/toy.md, as JSON files.
# A few minutes on one core.
set -euo pipefail
kairos=${1:-build/kairos} out=${2:-out/toy}
orders=2.25,2.5,2.75
steps=4,8,16,32,64
mkdir -p "$out"
toy() { # NAME options...
    local name=$1
    shift
    [ -e "$out/$name.json" ] || "$kairos" toy "$@" --out "$out/$name.json" >"$out/$name.txt"
}

for sde in edm vp; do
    for k in 5 15; do
        toy "points-$k-$sde-random" --data points --repetitions 30 --components $k --sde $sde --method exact --order $orders --steps $steps
        toy "points-$k-$sde-even" --data points --components $k --sde $sde --layout even --method exact --order $orders \
            --steps $steps
        # Widths of about 0.02, 0.1 and 0.4 spacings.
        for width in $([ $k = 5 ] && echo 0.0141 0.0705 0.272 || echo 0.0046 0.0231 0.092); do
            toy "gaussians-$k-$sde-$width" --data gaussians --components $k --width "$width" --sde $sde --layout even \
                --method exact --order $orders --steps $steps
        done
    done
done

# The paper's way: 10,000 sampled paths, 30 times.
toy points-15-edm-paths --data points --components 15 --repetitions 30 --order 2.5 --steps 8,16,32
toy gaussians-15-edm-paths --data gaussians --components 15 --width 0.092 --layout even --repetitions 30 \
    --order 2.5 --steps 8,16,32

# Which order is best for which overlap: widths of 0.02 to 1 spacing.
orders=1.5,1.75,2,2.125,2.25,2.375,2.5,2.625,2.75,2.875,3,3.125,3.25
scan() { # ETA spacings...
    local eta=$1 k ratio width
    shift
    for k in 5 15; do
        for ratio in "$@"; do
            width=$(awk -v k=$k -v r="$ratio" 'BEGIN { w = r * sqrt(12 / (k * k - 1)); print w / sqrt(1 + w * w) }')
            toy "scan-$k-$ratio-eta$eta" --data gaussians --components $k --width "$width" --layout even --method exact \
                --eta "$eta" --schedule edm --order $orders --steps 8,16
        done
    done
}
scan 1 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6 1
scan 0 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6 1
