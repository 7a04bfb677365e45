import type { DeviceClient } from '@tidemark/sdk-core';

/** The least of a navigation container's ref (`useNavigationContainerRef` of `@react-navigation/native`). */
export interface NavigationLike {
  getCurrentRoute(): { name: string; key?: string } | undefined;
  addListener(type: 'state', listener: () => void): () => void;
}

/** `screen` for each route that is shown; going back to one is another view of it. Returns what ends it. */
export function trackScreens(client: Pick<DeviceClient, 'screen'>, navigation: NavigationLike): () => void {
  let last: string | undefined;
  const look = (): void => {
    const route = navigation.getCurrentRoute();
    const shown = route && (route.key ?? route.name);
    if (!route || shown === last) return;
    last = shown;
    // Not the route's parameters: they hold ids and names of people.
    client.screen(route.name);
  };
  look();
  return navigation.addListener('state', look);
}
