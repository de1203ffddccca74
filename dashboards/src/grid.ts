// SPDX-License-Identifier: Apache-2.0
// Where panels stand. The SDK's own placing lets a panel stick out of its line, so lines are given here, and each must fill all 24 columns.
import {GridPos, Panel, RowPanel} from '@grafana/grafana-foundation-sdk/dashboard';

export const COLUMNS = 24;

export interface Tile {
  width: number;
  height: number;
  panel: (at: GridPos, id: number) => Panel;
}

export interface Section {
  title: string;
  lines: Tile[][];
  collapsed?: boolean;
}

type Placed = Panel | RowPanel;

class Grid {
  private y = 0;
  private lastId = 0;

  row(section: Section): Placed[] {
    const row: RowPanel = {
      type: 'row', id: this.nextId(), title: section.title, collapsed: section.collapsed ?? false, panels: [],
      gridPos: {x: 0, y: this.y++, w: COLUMNS, h: 1},
    };
    const panels = section.lines.flatMap((line) => this.line(section.title, line));
    if (row.collapsed) {
      row.panels = panels;
      return [row];
    }
    return [row, ...panels];
  }

  private line(where: string, tiles: Tile[]): Panel[] {
    const width = tiles.reduce((sum, each) => sum + each.width, 0);
    const heights = new Set(tiles.map((each) => each.height));
    if (width !== COLUMNS || heights.size !== 1) {
      throw new Error(`${where}: a line is ${width} columns wide and ${[...heights].join(', ')} high; it must be ${COLUMNS} wide and of one height`);
    }
    let x = 0;
    const y = this.y;
    this.y += tiles[0].height;
    return tiles.map((each) => {
      const panel = each.panel({x, y, w: each.width, h: each.height}, this.nextId());
      x += each.width;
      return panel;
    });
  }

  private nextId(): number {
    return ++this.lastId;
  }
}

export function place(sections: Section[]): Placed[] {
  const grid = new Grid();
  return sections.flatMap((each) => grid.row(each));
}
