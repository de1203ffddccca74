# SPDX-License-Identifier: Apache-2.0
"""The Pod of which thousand.py and scrape_cost.py make many. It stays as it is: their figures are of it."""
SLEEPS = '[sleep, "100000"]'
POD = """apiVersion: v1
kind: Pod
metadata: {name: small-%d}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox
    command: %s
    resources: {requests: {cpu: 1m, memory: 4Mi}, limits: {cpu: 100m, memory: 16Mi}}
"""
