// SPDX-License-Identifier: Apache-2.0

// cAdvisor's manager with its docker factory, and its metrics at -listen. Built by ../cadvisor.py within the source of
// kubernetes, which has github.com/google/cadvisor among its vendored packages.
package main

import (
	"flag"
	"net/http"
	"time"

	"github.com/google/cadvisor/cache/memory"
	"github.com/google/cadvisor/container"
	_ "github.com/google/cadvisor/container/docker/install"
	v2 "github.com/google/cadvisor/info/v2"
	"github.com/google/cadvisor/manager"
	"github.com/google/cadvisor/metrics"
	"github.com/google/cadvisor/utils/sysfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"k8s.io/utils/pointer"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:18080", "where the metrics are")
	klog.InitFlags(nil)
	flag.Parse()
	interval := time.Second
	included := container.MetricSet{
		container.CpuUsageMetrics: {}, container.MemoryUsageMetrics: {}, container.DiskIOMetrics: {},
		container.NetworkUsageMetrics: {}, container.DiskUsageMetrics: {}, container.ProcessMetrics: {},
	}
	housekeeping := manager.HouskeepingConfig{Interval: &interval, AllowDynamic: pointer.BoolPtr(false)}
	// The prefixes are those of cAdvisor's own program when it is given none: other cgroups are shown, too.
	m, err := manager.New(memory.New(2*time.Minute, nil), sysfs.NewRealSysFs(), housekeeping, included, http.DefaultClient, []string{""}, "")
	if err != nil {
		klog.Fatal(err)
	}
	if err := m.Start(); err != nil {
		klog.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.NewPrometheusCollector(m, metrics.DefaultContainerLabels, included, clock.RealClock{},
		v2.RequestOptions{IdType: v2.TypeName, Count: 1, Recursive: true}))
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	klog.Fatal(http.ListenAndServe(*listen, nil))
}
